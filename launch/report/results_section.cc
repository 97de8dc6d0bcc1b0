#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/spread.h"
#include "launch/report/sections.h"
#include "launch/run/repeated_runs.h"

namespace quadhop {
namespace {

struct Column {
  const char* header;
  const char* number;       // of summary.json
  const char* format;       // nullptr: ShortNumber
  bool is_repeated = true;  // each run of a job has its own
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
    {"test loss", "test_loss", "%.4f"},
    {"valid loss", "valid_loss", "%.4f"},
    {"best epoch", "best_epoch", "%.0f"},
    {"epochs", "epochs", "%.0f"},
    {"seconds per epoch", "epoch_seconds", "%.2f"},
    {"training nodes per second", "train_nodes_per_second", nullptr},
    {"ranks", "ranks", "%.0f", false},
    {"parameters", "parameters", nullptr, false},
    {"peak memory of a rank, bytes", "peak_rss_bytes", nullptr, false},
};

// Runs that stand in one table row: one, or those of a job over seeds and splits.
using Row = std::vector<const RunRecord*>;
using Values = std::vector<double>;

// The values that runs have for a column, in their order.
Values ValuesOf(const Row& runs, const Column& column) {
  Values values;
  for (const RunRecord* run : runs) {
    const auto found = run->summary.find(column.number);
    if (found != run->summary.end()) values.push_back(found->second);
  }
  return values;
}

std::string NumberText(const Column& column, double value) {
  if (column.format == nullptr) return ShortNumber(value);
  return absl::StrFormat(*absl::ParsedFormat<'f'>::New(column.format), value);
}

// "0.8124", or of several values that differ "0.8124 ± 0.0041".
std::string FieldText(const Column& column, const Values& values, size_t num_runs) {
  if (values.empty()) return "-";
  const Spread spread = SpreadOf(values);
  const std::string mean = NumberText(column, spread.mean);
  if (!(spread.deviation > 0)) return mean;
  const std::string text = absl::StrCat(mean, " ± ", NumberText(column, spread.deviation));
  return values.size() == num_runs ? text : absl::StrCat(text, " (", values.size(), " runs)");
}

// Adds a column to the table. The best row on the validation nodes is marked, if there is one.
void AddColumn(const Column& column, const std::vector<Row>& rows, bool marks_best,
               std::vector<std::vector<std::string>>& table) {
  std::vector<Values> of_rows;
  Values means;
  for (const Row& row : rows) {
    of_rows.push_back(ValuesOf(row, column));
    if (!of_rows.back().empty()) means.push_back(SpreadOf(of_rows.back()).mean);
  }
  const bool differ =
      std::adjacent_find(means.begin(), means.end(), std::not_equal_to<>()) != means.end();
  const bool marks = marks_best && differ && absl::StartsWith(column.number, "valid_");
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool is_best = marks && !of_rows[i].empty() &&
                         SpreadOf(of_rows[i]).mean == *std::max_element(means.begin(), means.end());
    table[i].push_back(
        absl::StrCat(FieldText(column, of_rows[i], rows[i].size()), is_best ? " (best)" : ""));
  }
}

// Validation nodes of different stores have nothing in common.
bool AreOfOneStore(const std::vector<Row>& rows) {
  return std::all_of(rows.begin(), rows.end(), [&](const Row& row) {
    return row[0]->store_identity == rows[0][0]->store_identity;
  });
}

std::string ConfigWithoutSeed(Config config) {
  config.mutable_train()->clear_seed();
  return config.SerializeAsString();
}

// The finished runs of jobs over seeds and splits: those that stand in one folder, and have the
// same store and config, but for the seed.
std::vector<Row> RepeatedRuns(const Runs& runs) {
  std::map<std::tuple<std::string, std::string, std::string>, Row> jobs;
  for (const RunRecord& run : runs) {
    const std::string folder = FolderOfRuns(run.path);
    if (!folder.empty() && !run.summary.empty())
      jobs[{folder, run.store_identity, ConfigWithoutSeed(run.config)}].push_back(&run);
  }
  std::vector<Row> rows;
  bool any = false;
  for (const auto& [job, row] : jobs) {
    rows.push_back(row);
    any |= row.size() > 1;
  }
  return any ? rows : std::vector<Row>();
}

std::vector<const Column*> ColumnsOf(const Runs& runs) {
  Row all;
  for (const RunRecord& run : runs) all.push_back(&run);
  std::vector<const Column*> columns;
  for (const Column& column : kColumns)
    if (!ValuesOf(all, column).empty()) columns.push_back(&column);
  return columns;
}

Card RunsCard(const Runs& runs, bool marks_best) {
  std::vector<std::string> header = {"run"};
  std::vector<std::vector<std::string>> table;
  std::vector<Row> rows;
  for (const RunRecord& run : runs) {
    rows.push_back({&run});
    table.push_back({run.name});
  }
  for (const Column* column : ColumnsOf(runs)) {
    header.emplace_back(column->header);
    AddColumn(*column, rows, marks_best && AreOfOneStore(rows), table);
  }
  const std::string unfinished =
      NotRecordedBy(runs, [](const RunRecord& run) { return !run.summary.empty(); });
  return {"At the best epoch on the validation nodes",
          "From summary.json, which a run writes when it is finished. " + unfinished,
          {},
          TableHtml(header, table)};
}

Card MeansCard(const Runs& runs, const std::vector<Row>& rows) {
  std::vector<std::string> folders;
  for (const Row& row : rows) folders.push_back(FolderOfRuns(row[0]->path));
  const std::vector<std::string> names = ShortNames(folders);
  std::vector<std::string> header = {"folder", "finished runs"};
  std::vector<std::vector<std::string>> table;
  for (size_t i = 0; i < rows.size(); ++i)
    table.push_back({names[i], absl::StrCat(rows[i].size())});
  for (const Column* column : ColumnsOf(runs)) {
    if (!column->is_repeated) continue;
    header.emplace_back(column->header);
    AddColumn(*column, rows, AreOfOneStore(rows), table);
  }
  return {"Over seeds and splits",
          "Mean ± sample standard deviation (over n - 1) of the runs above that stand in one "
          "folder and differ only in their seed or split.",
          {},
          TableHtml(header, table)};
}

}  // namespace

std::string ResultsSection(const Runs& runs) {
  const std::vector<Row> repeated = RepeatedRuns(runs);
  std::vector<Card> cards = {RunsCard(runs, /*marks_best=*/repeated.empty())};
  if (!repeated.empty()) cards.push_back(MeansCard(runs, repeated));
  return SectionHtml("Results", cards);
}

}  // namespace quadhop
