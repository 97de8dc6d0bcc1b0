#include "launch/training/repetitions.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "comm/gather.h"
#include "core/counted.h"
#include "core/file.h"
#include "core/manifest.h"
#include "core/status.h"
#include "core/store.h"
#include "launch/config/backends.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/json_fields.h"
#include "launch/run/json_object.h"
#include "launch/run/resume_check.h"
#include "launch/run/run_claim.h"
#include "launch/run/run_folder.h"
#include "model/checkpoint_parts.h"

namespace quadhop {
namespace {

struct Spread {
  std::vector<double> values;
  double Mean() const {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
  // Of the runs as a sample: over n - 1. Not a number for one run.
  double Deviation() const {
    if (values.size() < 2) return std::nan("");
    double squares = 0;
    for (const double value : values) squares += (value - Mean()) * (value - Mean());
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
};

bool IsResult(const std::string& name) {
  for (const char* ending : {"_accuracy", "_roc_auc", "_micro_f1", "_macro_f1"})
    if (name.find(ending) != std::string::npos) return true;
  return name == "best_epoch" || name == "epoch_seconds" || name == "train_nodes_per_second";
}

absl::StatusOr<std::map<std::string, Spread>> ReadResults(const std::string& run,
                                                          const std::vector<std::string>& runs) {
  std::map<std::string, Spread> results;
  for (const std::string& one : runs) {
    const std::string path = RunSummaryPath(absl::StrCat(run, "/", one));
    QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    const nlohmann::json summary = ParseJson(text);
    if (!summary.is_object()) return absl::DataLossError(absl::StrCat(path, " is no JSON object"));
    for (const auto& [name, value] : summary.items())
      if (value.is_number() && IsResult(name)) results[name].values.push_back(value.get<double>());
  }
  return results;
}

std::string ConclusionPath(const std::string& run) { return run + "/repetitions.json"; }

// By their names in `run`.
std::vector<std::string> NamesOf(const std::string& run, const std::vector<TrainJob>& jobs) {
  std::vector<std::string> names;
  for (const TrainJob& job : jobs) names.push_back(job.run.substr(run.size() + 1));
  return names;
}

// What is concluded from: when runs are carried on, all that are finished.
std::vector<std::string> RunsToConclude(const std::string& run, const std::vector<TrainJob>& jobs) {
  if (jobs[0].start != RunFolder::Start::kResume) return NamesOf(run, jobs);
  std::vector<std::string> names = RunsIn(run);
  std::erase_if(names, [&](const std::string& name) {
    return !FileExists(RunSummaryPath(absl::StrCat(run, "/", name)));
  });
  return names;
}

// Runs of before must be of the job's config, but for the seed, and of its store.
absl::Status CheckAsOne(const std::string& run, const TrainJob& job) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(job.store));
  for (const std::string& name : RunsIn(run)) {
    const std::string other = absl::StrCat(run, "/", name);
    if (!FileExists(RunConfigPath(other))) continue;  // it has not begun
    const std::string whose = absl::StrCat(other, ", which would count with these");
    QH_ASSIGN_OR_RETURN(Config config, ReadRunConfig(other));
    config.mutable_train()->set_seed(job.config.train().seed());
    QH_RETURN_IF_ERROR(
        Annotate(ChangesOnResume(config, WithBackendsOf(config, job.config)).status(), whose));
    const absl::StatusOr<CheckpointManifest> manifest =
        ReadCheckpointManifest(LatestCheckpointPath(other));
    if (manifest.ok() && manifest->store() != StoreIdentity(store->manifest()))
      return absl::FailedPreconditionError(absl::StrCat(
          whose, ": it is of a store with checksum ", manifest->store(), "; ", job.store, " has ",
          StoreIdentity(store->manifest()), ": begin another --run"));
  }
  return absl::OkStatus();
}

// Of the folders that the runs stand in, from `run` down.
absl::Status CheckFolders(const std::string& run, const std::vector<TrainJob>& jobs) {
  for (const TrainJob& job : jobs) {
    std::string folder = run;
    for (const absl::string_view name : absl::StrSplit(job.run.substr(run.size() + 1), '/')) {
      QH_RETURN_IF_ERROR(CheckFolderOfRuns(folder, name));
      absl::StrAppend(&folder, "/", name);
    }
  }
  return jobs[0].start == RunFolder::Start::kResume ? CheckAsOne(run, jobs[0]) : absl::OkStatus();
}

absl::Status Conclude(const std::string& run, const std::vector<TrainJob>& jobs) {
  const std::vector<std::string> runs = RunsToConclude(run, jobs);
  QH_ASSIGN_OR_RETURN(const auto results, ReadResults(run, runs));
  const auto quoted = [](std::string* out, const std::string& name) {
    out->append(JsonString(name));
  };
  JsonObject json;
  json.AddJson("runs", absl::StrCat("[", absl::StrJoin(runs, ",", quoted), "]"));
  std::FILE* const out = jobs[0].log == LogStyle::kJson ? stderr : stdout;
  absl::FPrintF(out, "\n%-24s %12s %12s   of %s\n", "", "mean", "deviation",
                Counted(static_cast<int64_t>(runs.size()), "run"));
  for (const auto& [name, spread] : results) {
    absl::FPrintF(out, "%-24s %12.6g %12s\n", name, spread.Mean(),
                  runs.size() < 2 ? "-" : absl::StrFormat("%.6g", spread.Deviation()));
    std::vector<std::string> values;
    for (const double value : spread.values) values.push_back(absl::StrFormat("%.17g", value));
    JsonObject of_metric;
    of_metric.Add("mean", spread.Mean())
        .Add("deviation", spread.Deviation())
        .AddJson("values", absl::StrCat("[", absl::StrJoin(values, ","), "]"));
    json.AddJson(name, of_metric.ToString());
  }
  return WriteFileAtomically(ConclusionPath(run), json.ToString() + "\n");
}

}  // namespace

absl::StatusOr<std::vector<TrainJob>> Repetitions(const TrainJob& job,
                                                  const RepeatOptions& options) {
  std::vector<TrainJob> of_splits = {job};
  if (options.all_splits) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(job.store));
    of_splits.clear();
    for (const std::string& split : store->manifest().split_names()) {
      if (split.find('/') != std::string::npos)
        return absl::InvalidArgumentError(absl::StrCat("split ", split, " of ", job.store,
                                                       " cannot name a folder: train on it ",
                                                       "with --split"));
      of_splits.push_back(job);
      of_splits.back().split = split;
      of_splits.back().run = absl::StrCat(job.run, "/split-", split);
    }
  }
  std::vector<TrainJob> jobs;
  for (const TrainJob& of_split : of_splits) {
    if (options.seeds == 0) jobs.push_back(of_split);
    for (int64_t i = 0; i < options.seeds; ++i) {
      jobs.push_back(of_split);
      const uint64_t seed = job.config.train().seed() + static_cast<uint64_t>(i);
      jobs.back().config.mutable_train()->set_seed(seed);
      jobs.back().run = absl::StrCat(of_split.run, "/seed-", seed);
    }
  }
  if (!options.any()) return jobs;
  for (TrainJob& one : jobs) one.repetition = one.run.substr(job.run.size() + 1);
  return jobs;
}

absl::StatusOr<ExitCode> TrainRepeatedly(const std::string& run, const std::vector<TrainJob>& jobs,
                                         const RankContext& context) {
  if (context.IsMain()) QH_RETURN_IF_ERROR(CheckFolders(run, jobs));
  // Those that are finished, too: they must be of the same config, split and store.
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (context.IsMain())
      absl::FPrintF(stderr, "\nrun %d of %d: %s\n", i + 1, jobs.size(), jobs[i].run);
    QH_ASSIGN_OR_RETURN(const ExitCode code, Train(jobs[i], context));
    if (code != ExitCode::kDone) return code;
  }
  if (context.IsMain()) QH_RETURN_IF_ERROR(Conclude(run, jobs));
  return ExitCode::kDone;
}

}  // namespace quadhop
