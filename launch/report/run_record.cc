#include "launch/report/run_record.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/base/median.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "launch/json/json_fields.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"

namespace quadhop {
namespace {

using nlohmann::json;

// The JSON object in a file; an empty one if there is no file.
absl::StatusOr<json> ReadIfPresent(const std::string& path) {
  if (!FileExists(path)) return json::object();
  absl::StatusOr<json> object = ReadJsonObject(path);
  if (!absl::IsDataLoss(object.status())) return object;
  return absl::DataLossError(
      absl::StrCat(std::string(object.status().message()), ": restore the file"));
}

void TakeNumbers(const json& object, const std::string& prefix, double at, RunRecord& run) {
  for (const auto& [name, value] : object.items())
    if (value.is_number()) run.epochs[prefix + name].emplace_back(at, value.get<double>());
}

// "train_loss", and from the objects within, "loading.busy_sample_seconds".
void TakeEpoch(const json& event, RunRecord& run) {
  const double at = NumberField(event, "epoch");
  TakeNumbers(event, "", at, run);
  for (const auto& [name, value] : event.items())
    if (value.is_object()) TakeNumbers(value, absl::StrCat(name, "."), at, run);
}

absl::Status ReadMetrics(RunRecord& run) {
  const std::string path = RunMetricsPath(run.path);
  if (!FileExists(path)) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const MappedFile metrics, MappedFile::Open(path));
  const std::vector<absl::string_view> lines =
      absl::StrSplit(metrics.text(), '\n', absl::SkipEmpty());
  for (size_t i = 0; i < lines.size(); ++i) {
    const json event = ParseJson(lines[i]);
    if (!event.is_object()) {
      if (i + 1 == lines.size()) break;  // the run was killed
      return absl::DataLossError(absl::StrCat(path, " line ", i + 1, " is not a JSON object"));
    }
    const std::string kind = TextField(event, "event");
    if (kind == "epoch") TakeEpoch(event, run);
    if (kind != "step" || !event.contains("loss") || !event["loss"].is_number()) continue;
    run.step_losses.emplace_back(NumberField(event, "step"), event["loss"].get<double>());
  }
  return absl::OkStatus();
}

// What the run trained on.
absl::Status ReadData(RunRecord& run) {
  if (const absl::StatusOr<StoreManifest> store = ReadTrainedOn(run.path); store.ok()) {
    run.store_identity = StoreIdentity(*store);
    for (const Provenance& step : store->provenance())
      run.made_of.emplace_back(step.step(), step.options());
    run.made_of.emplace_back("store checksum", run.store_identity);
  }
  QH_ASSIGN_OR_RETURN(const std::string split, ReadRunSplit(run.path));
  QH_ASSIGN_OR_RETURN(const RunInit init, ReadRunInit(run.path));
  run.made_of.emplace_back("split", split);
  run.made_of.emplace_back("initial weights",
                           init.path.empty() ? "random" : absl::StrCat(init.path, " ", init.xxh3));
  return absl::OkStatus();
}

std::vector<int64_t> Counts(const json& array) {
  std::vector<int64_t> counts;
  if (!array.is_array()) return counts;
  for (const json& value : array) counts.push_back(CountOf(value));
  return counts;
}

PartDetail DetailOf(const json& evaluation, const char* part) {
  PartDetail detail;
  const auto found = evaluation.find(part);
  if (found == evaluation.end() || !found->is_object()) return detail;
  for (const json& row : found->value("confusion", json::array()))
    detail.confusion.push_back(Counts(row));
  for (const json& range : found->value("degrees", json::array())) {
    if (!range.is_object()) continue;
    detail.degrees.push_back(
        {CountField(range, "from"), CountField(range, "nodes"), CountField(range, "right")});
  }
  return detail;
}

std::string TextOf(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return "";  // not ours
  if (!value.is_array()) return value.dump();
  std::vector<std::string> hosts;
  for (const json& host : value)
    if (host.is_object())
      hosts.push_back(absl::StrCat(TextField(host, "name"), " (", CountField(host, "ranks"), ")"));
  return absl::StrJoin(hosts, ", ");
}

// The last `parts` parts of a path.
std::string Tail(const std::string& path, size_t parts) {
  std::vector<std::string> all = absl::StrSplit(
      std::filesystem::path(path).lexically_normal().string(), '/', absl::SkipEmpty());
  const size_t first = all.size() > parts ? all.size() - parts : 0;
  return absl::StrJoin(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(), "/");
}

}  // namespace

absl::optional<double> RunRecord::Median(const std::string& number) const {
  const auto found = epochs.find(number);
  if (found == epochs.end() || found->second.empty()) return absl::nullopt;
  std::vector<double> values;
  for (const auto& point : found->second) values.push_back(point.second);
  return quadhop::Median(std::move(values));
}

absl::StatusOr<RunRecord> ReadRunRecord(const std::string& run_path) {
  RunRecord run;
  run.path = run_path;
  QH_ASSIGN_OR_RETURN(run.config, ReadRunConfig(run_path));
  QH_ASSIGN_OR_RETURN(run.store, ReadRunStore(run_path));
  QH_RETURN_IF_ERROR(ReadData(run));
  QH_RETURN_IF_ERROR(ReadMetrics(run));
  QH_ASSIGN_OR_RETURN(const json summary, ReadIfPresent(RunSummaryPath(run_path)));
  for (const auto& [name, value] : summary.items())
    if (value.is_number()) run.summary[name] = value.get<double>();
  QH_ASSIGN_OR_RETURN(const json machine, ReadIfPresent(RunMachinePath(run_path)));
  for (const auto& [name, value] : machine.items()) run.machine[name] = TextOf(value);
  QH_ASSIGN_OR_RETURN(const json evaluation, ReadIfPresent(RunEvaluationPath(run_path)));
  run.valid = DetailOf(evaluation, "valid");
  run.test = DetailOf(evaluation, "test");
  run.detail_epoch = IntegerField(evaluation, "epoch");
  run.codebook_counts = Counts(evaluation.value("codebook_counts", json::array()));
  return run;
}

std::vector<std::string> ShortNames(const std::vector<std::string>& paths) {
  const size_t num_distinct = std::set<std::string>(paths.begin(), paths.end()).size();
  std::vector<std::string> names(paths.size());
  for (size_t parts = 1; parts < 32; ++parts) {
    for (size_t i = 0; i < paths.size(); ++i) names[i] = Tail(paths[i], parts);
    if (std::set<std::string>(names.begin(), names.end()).size() == num_distinct) break;
  }
  return names;
}

void NameRuns(std::vector<RunRecord>& runs) {
  std::vector<std::string> paths;
  for (const RunRecord& run : runs) paths.push_back(run.path);
  const std::vector<std::string> names = ShortNames(paths);
  for (size_t i = 0; i < runs.size(); ++i) runs[i].name = names[i];
}

}  // namespace quadhop
