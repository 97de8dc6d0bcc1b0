#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/base/spread.h"
#include "launch/report/sections.h"
#include "launch/run/repeated_runs.h"

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

std::string Text(const Column& column, double value) {
  if (column.format == nullptr) return ShortNumber(value);
  return absl::StrFormat(*absl::ParsedFormat<'f'>::New(column.format), value);
}

// The values that the runs have for a column, in their order.
std::vector<double> ValuesOf(const Runs& runs, const Column& column) {
  std::vector<double> values;
  for (const RunRecord& run : runs) {
    const auto found = run.summary.find(column.number);
    if (found != run.summary.end()) values.push_back(found->second);
  }
  return values;
}

std::string Field(const Runs& runs, const RunRecord& run, const Column& column) {
  const auto found = run.summary.find(column.number);
  if (found == run.summary.end()) return "-";
  const std::string text = Text(column, found->second);
  const std::vector<double> all = ValuesOf(runs, column);
  const bool is_best = absl::StartsWith(column.number, "valid_") && all.size() > 1 &&
                       found->second == *std::max_element(all.begin(), all.end());
  return is_best ? text + " (best)" : text;
}

std::string MeanField(const Runs& runs, const Column& column) {
  const std::vector<double> values = ValuesOf(runs, column);
  if (values.empty()) return "-";
  const Spread spread = SpreadOf(values);
  if (values.size() == 1) return Text(column, spread.mean);
  const std::string text =
      absl::StrCat(Text(column, spread.mean), " ± ", Text(column, spread.deviation));
  return values.size() == runs.size() ? text : absl::StrCat(text, " (", values.size(), " runs)");
}

// Finished runs over seeds or splits, by the folder that they stand in.
std::map<std::string, Runs> Repeated(const Runs& runs) {
  std::map<std::string, Runs> folders;
  for (const RunRecord& run : runs) {
    const std::string folder = FolderOfRuns(run.path);
    if (!folder.empty() && !run.summary.empty()) folders[folder].push_back(run);
  }
  return folders;
}

Card MeansCard(const std::map<std::string, Runs>& folders, std::vector<std::string> header,
               const std::vector<const Column*>& columns) {
  header.insert(header.begin() + 1, "finished runs");
  std::vector<std::vector<std::string>> rows;
  for (const auto& [folder, runs] : folders) {
    rows.push_back({folder, absl::StrCat(runs.size())});
    for (const Column* column : columns) rows.back().push_back(MeanField(runs, *column));
  }
  return {"Over seeds and splits",
          "Mean ± sample standard deviation (over n - 1) of the runs above that stand in one "
          "folder.",
          {},
          TableHtml(header, rows)};
}

}  // namespace

std::string ResultsSection(const Runs& runs) {
  std::vector<std::string> header = {"run"};
  std::vector<const Column*> columns;
  for (const Column& column : kColumns) {
    if (ValuesOf(runs, column).empty()) continue;
    header.push_back(column.header);
    columns.push_back(&column);
  }
  std::vector<std::vector<std::string>> rows;
  for (const RunRecord& run : runs) {
    rows.push_back({run.name});
    for (const Column* column : columns) rows.back().push_back(Field(runs, run, *column));
  }
  const std::string unfinished =
      NotRecordedBy(runs, [](const RunRecord& run) { return !run.summary.empty(); });
  std::vector<Card> cards = {
      {"At the best epoch on the validation nodes",
       "From summary.json, which a run writes when it is finished. " + unfinished,
       {},
       TableHtml(header, rows)}};
  const std::map<std::string, Runs> folders = Repeated(runs);
  if (!folders.empty()) cards.push_back(MeansCard(folders, header, columns));
  return SectionHtml("Results", cards);
}

}  // namespace quadhop
