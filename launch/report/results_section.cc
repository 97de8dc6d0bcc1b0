#include <absl/strings/str_format.h>

#include "launch/report/sections.h"

namespace quadhop {
namespace {

struct Column {
  const char* header;
  const char* number;  // of summary.json
  const char* format;  // nullptr: ShortNumber
};
constexpr Column kColumns[] = {
    {"test accuracy", "test_accuracy", "%.4f"},
    {"most frequent class", "majority_class_test_accuracy", "%.4f"},
    {"valid accuracy", "valid_accuracy", "%.4f"},
    {"test ROC AUC", "test_roc_auc", "%.4f"},
    {"valid ROC AUC", "valid_roc_auc", "%.4f"},
    {"test average precision", "test_average_precision", "%.4f"},
    {"test micro F1", "test_micro_f1", "%.4f"},
    {"test macro F1", "test_macro_f1", "%.4f"},
    {"best epoch", "best_epoch", "%.0f"},
    {"epochs", "epochs", "%.0f"},
    {"seconds per epoch", "epoch_seconds", "%.2f"},
    {"training nodes per second", "train_nodes_per_second", nullptr},
    {"ranks", "ranks", "%.0f"},
    {"parameters", "parameters", nullptr},
    {"peak memory of a rank, bytes", "peak_rss_bytes", nullptr},
};

std::string Field(const RunRecord& run, const Column& column) {
  const auto found = run.summary.find(column.number);
  if (found == run.summary.end()) return "-";
  if (column.format == nullptr) return ShortNumber(found->second);
  return absl::StrFormat(*absl::ParsedFormat<'f'>::New(column.format), found->second);
}

}  // namespace

std::string ResultsSection(const Runs& runs) {
  std::vector<std::string> header = {"run"};
  std::vector<const Column*> columns;
  for (const Column& column : kColumns) {
    bool any = false;
    for (const RunRecord& run : runs) any |= run.summary.count(column.number) != 0;
    if (!any) continue;
    header.push_back(column.header);
    columns.push_back(&column);
  }
  std::vector<std::vector<std::string>> rows;
  for (const RunRecord& run : runs) {
    rows.push_back({run.name});
    for (const Column* column : columns) rows.back().push_back(Field(run, *column));
  }
  const std::string unfinished =
      NotRecordedBy(runs, [](const RunRecord& run) { return !run.summary.empty(); });
  return SectionHtml("Results",
                     {{"At the best epoch on the validation nodes",
                       "From summary.json, which a run writes when it is finished. " + unfinished,
                       {},
                       TableHtml(header, rows)}});
}

}  // namespace quadhop
