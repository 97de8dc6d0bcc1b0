#include "launch/training/repetitions.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "comm/collectives/gather.h"
#include "core/base/counted.h"
#include "core/base/spread.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/files/file_lock.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "launch/config/backends.h"
#include "launch/json/json_fields.h"
#include "launch/json/json_object.h"
#include "launch/ranks/agreed_status.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/resume_check.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/run/run_place.h"
#include "launch/session/trainable.h"
#include "launch/training/train.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

bool IsResult(const std::string& name) {
  for (const char* ending :
       {"_accuracy", "_roc_auc", "_average_precision", "_micro_f1", "_macro_f1", "_loss"})
    if (name.find(ending) != std::string::npos) return true;
  return name == "best_epoch" || name == "epoch_seconds" || name == "train_nodes_per_second";
}

using Results = std::map<std::string, std::vector<double>>;  // a value per run, by name

absl::StatusOr<Results> ReadResults(const std::string& run, const std::vector<std::string>& runs) {
  Results results;
  for (const std::string& one : runs) {
    QH_ASSIGN_OR_RETURN(const nlohmann::json summary,
                        ReadJsonObject(RunSummaryPath(absl::StrCat(run, "/", one))));
    for (const auto& [name, value] : summary.items())
      if (value.is_number() && IsResult(name)) results[name].push_back(value.get<double>());
  }
  return results;
}

std::string ConclusionPath(const std::string& run) { return run + "/repetitions.json"; }

// The finished runs there, by name: those that count for the conclusion.
std::vector<std::string> FinishedRunsIn(const std::string& run) {
  std::vector<std::string> names = RunsIn(run);
  std::erase_if(names,
                [&](const std::string& name) { return !IsFinished(absl::StrCat(run, "/", name)); });
  return names;
}

// Checks what Train does not, of a run that counts together with this job's: how long it trained
// (which a resume may change), its store, and its split, unless the job's is "", which is any.
absl::Status CheckCountsBeside(const TrainJob& job, const std::string& identity,
                               const std::string& other) {
  QH_ASSIGN_OR_RETURN(Config config, ReadRunConfig(other));
  config.mutable_train()->set_seed(job.config.train().seed());
  const Config now = WithBackendsOf(config, job.config);
  QH_RETURN_IF_ERROR(ChangesOnResume(config, now).status());
  const TrainConfig &before = config.train(), &train = now.train();
  if (before.epochs() != train.epochs() || before.patience() != train.patience() ||
      before.eval_every_epochs() != train.eval_every_epochs())
    return absl::FailedPreconditionError(absl::StrFormat(
        "it was trained for %d epochs (patience %d, evaluated every %d), but now it is %d (%d, %d)",
        before.epochs(), before.patience(), before.eval_every_epochs(), train.epochs(),
        train.patience(), train.eval_every_epochs()));
  QH_ASSIGN_OR_RETURN(const std::string latest, FindCheckpoint(other, "latest"));
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(latest));
  if (manifest.store() != identity)
    return absl::FailedPreconditionError(absl::StrCat("it was trained on a store with checksum ",
                                                      manifest.store(), ", but ", job.store,
                                                      " has ", identity));
  const std::string& split = manifest.position().split();
  if (job.split.empty() || job.split == split) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("it was trained on split ", split, ", but now it is ", job.split));
}

bool IsOneOf(const std::vector<TrainJob>& jobs, const std::string& name) {
  return std::any_of(jobs.begin(), jobs.end(),
                     [&](const TrainJob& job) { return job.repetition == name; });
}

// Checks a finished run that stays as it is, and counts together with this job's.
absl::Status CheckBegunAlike(const TrainJob& job, const RunInit& init, const std::string& run) {
  QH_ASSIGN_OR_RETURN(const RunInit before, ReadRunInit(run));
  const bool alike = init.xxh3.empty() ? before.path == init.path : before.xxh3 == init.xxh3;
  if (!alike)
    return absl::FailedPreconditionError(absl::StrCat(
        run, " began from ", before.path.empty() ? "fresh weights" : before.path,
        ", but now it is ", init.path.empty() ? "fresh weights" : init.path,
        before.path == init.path ? ", whose bytes have changed" : "", ": begin another --run"));
  QH_ASSIGN_OR_RETURN(const Config config, ReadRunConfig(run));
  const int64_t epochs = config.train().epochs();
  if (epochs <= job.config.train().epochs()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(run, " was trained for up to ", Counted(epochs, "epoch"), ", but now it is ",
                   job.config.train().epochs(), ": give --set train.epochs=", epochs,
                   ", for all runs, or begin another --run"));
}

// Checks all of them.
absl::Status CheckBegunAlike(const std::string& run, const std::vector<TrainJob>& jobs) {
  const TrainJob& job = jobs.front();
  std::vector<std::string> staying = FinishedRunsIn(run);
  if (job.start != RunFolder::Start::kResume)
    std::erase_if(staying, [&](const std::string& name) { return IsOneOf(jobs, name); });
  if (staying.empty()) return absl::OkStatus();
  absl::StatusOr<RunInit> init = DescribeInit(job.init);
  if (absl::IsNotFound(init.status())) init = RunInit{job.init, ""};  // all may have begun
  QH_RETURN_IF_ERROR(init.status());
  for (const std::string& name : staying)
    QH_RETURN_IF_ERROR(CheckBegunAlike(job, *init, absl::StrCat(run, "/", name)));
  return absl::OkStatus();
}

// Checks the finished runs there that are not of these jobs, as they would count together with
// them.
absl::Status CheckCountTogether(const std::string& run, const std::vector<TrainJob>& jobs) {
  std::vector<std::string> others = FinishedRunsIn(run);
  std::erase_if(others, [&](const std::string& name) { return IsOneOf(jobs, name); });
  if (others.empty()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(jobs[0].store));
  const std::string identity = StoreIdentity(store->manifest());
  TrainJob job = jobs[0];
  if (job.split.empty()) job.split = store->DefaultSplit();
  if (KindOfRun(job.repetition) == kSplitRun) job.split.clear();  // over all of them
  for (const std::string& name : others) {
    const std::string other = absl::StrCat(run, "/", name);
    QH_RETURN_IF_ERROR(
        Annotate(CheckCountsBeside(job, identity, other),
                 absl::StrCat("begin another --run, for ", other, " would count with these")));
  }
  return absl::OkStatus();
}

// Prints and writes the mean and the deviation of every result over the finished runs in `run`.
absl::Status Conclude(const std::string& run, const std::vector<TrainJob>& jobs) {
  const std::vector<std::string> runs = FinishedRunsIn(run);
  QH_ASSIGN_OR_RETURN(const Results results, ReadResults(run, runs));
  JsonObject json;
  json.Add("runs", runs);
  std::FILE* const out = jobs[0].log == LogStyle::kJson ? stderr : stdout;
  absl::FPrintF(out, "\n%-24s %12s %12s   of %s\n", "", "mean", "deviation",
                Counted(static_cast<int64_t>(runs.size()), "run"));
  for (const auto& [name, values] : results) {
    const size_t count = values.size();  // fewer than runs if some scores are NaN
    const Spread spread = SpreadOf(values);
    absl::FPrintF(out, "%-24s %12.6g %12s%s\n", name, spread.mean,
                  count < 2 ? "-" : absl::StrFormat("%.6g", spread.deviation),
                  count == runs.size() ? "" : absl::StrCat("   of ", count));
    JsonObject of_metric;
    of_metric.Add("mean", spread.mean).Add("deviation", spread.deviation).Add("values", values);
    json.Add(name, of_metric);
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
      of_splits.back().run = absl::StrCat(job.run, "/", SplitRunName(split));
    }
  }
  std::vector<TrainJob> jobs;
  for (const TrainJob& of_split : of_splits) {
    if (options.seeds == 0) jobs.push_back(of_split);
    for (int64_t i = 0; i < options.seeds; ++i) {
      jobs.push_back(of_split);
      const uint64_t seed = job.config.train().seed() + static_cast<uint64_t>(i);
      jobs.back().config.mutable_train()->set_seed(seed);
      jobs.back().run = absl::StrCat(of_split.run, "/", SeedRunName(seed));
    }
  }
  if (!options.any()) return jobs;
  for (TrainJob& one : jobs) one.repetition = one.run.substr(job.run.size() + 1);
  return jobs;
}

absl::Status CheckRepetitions(const std::string& run, const std::vector<TrainJob>& jobs) {
  for (const TrainJob& job : jobs) {
    std::string folder = run;
    for (const absl::string_view name : absl::StrSplit(job.repetition, '/')) {
      QH_RETURN_IF_ERROR(CheckFolderOfRuns(folder, name));
      absl::StrAppend(&folder, "/", name);
    }
  }
  QH_RETURN_IF_ERROR(CheckBegunAlike(run, jobs));
  return CheckCountTogether(run, jobs);
}

absl::Status CheckSplits(const Store& store, const std::vector<TrainJob>& jobs, ThreadPool& pool) {
  std::set<std::string> splits;  // jobs over seeds have the same
  for (const TrainJob& job : jobs)
    if (splits.insert(job.split).second)
      QH_RETURN_IF_ERROR(CheckTrainable(store, job.split, job.config, pool));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> TrainRepeatedly(const std::string& run, const std::vector<TrainJob>& jobs,
                                         const RankContext& context) {
  const auto check = [&]() -> absl::Status {
    QH_RETURN_IF_ERROR(CheckRepetitions(run, jobs));
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(jobs.front().store));
    return CheckSplits(*store, jobs, context.pool);
  };
  QH_RETURN_IF_ERROR(OnMainRank(context.comm, "look for the runs", check));
  // Locked between the runs, too, so that nobody writes to the store. If it cannot be locked, the
  // first run says why, on all ranks.
  const absl::StatusOr<FileLock> reads = FileLock::OfFolderToRead(jobs.front().store);
  // Finished runs are checked, too: they must have the same config, split and store.
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (context.IsMain())
      absl::FPrintF(stderr, "\nrun %d of %d: %s\n", i + 1, jobs.size(), jobs[i].run);
    if (jobs[i].stop != nullptr) jobs[i].stop->EndAtOnce();  // the run before is saved
    QH_ASSIGN_OR_RETURN(const ExitCode code, Train(jobs[i], context));
    if (code == ExitCode::kResumable && context.IsMain())
      absl::FPrintF(stderr, "that was run %d of %d: give --resume the same --seeds and --splits\n",
                    i + 1, jobs.size());
    if (code != ExitCode::kDone) return code;
  }
  if (context.IsMain()) QH_RETURN_IF_ERROR(Conclude(run, jobs));
  return ExitCode::kDone;
}

}  // namespace quadhop
