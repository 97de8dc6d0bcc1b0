// quadhop train --store NAME.qh --config CONFIG --run RUN, and quadhop train --run RUN --resume
#include <absl/strings/str_cat.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/base/warning.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/commands/launchers.h"
#include "launch/config/backends.h"
#include "launch/config/config.h"
#include "launch/ranks/gpus.h"
#include "launch/ranks/runtime.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/resume_check.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/session/open_store.h"
#include "launch/training/repetitions.h"
#include "launch/training/train.h"
#include "launch/training/train_job.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

struct TrainFlags {
  TrainJob job;
  RanksOptions ranks;
  std::string config;
  std::vector<std::string> overrides;
  bool resume = false;
  bool overwrite = false;
  std::string log = "text";
  std::string splits;
  RepeatOptions repeat;
};

Flags Declare(TrainFlags* train) {
  Flags flags("train", "Trains on a store: on many ranks under mpirun or srun, else on one.");
  flags.Usage("--store NAME.qh --config CONFIG --run RUN [FLAGS]");
  flags.Usage("--run RUN --resume [FLAGS]");
  flags.String("store", &train->job.store, "NAME.qh",
               "the store (with --resume, default: that of the run)");
  flags.String("config", &train->config, "CONFIG",
               absl::StrCat("a textproto file or a preset: ", PresetNames(),
                            " (with --resume, default: that of the run)"));
  flags.String("run", &train->job.run, "RUN", "the folder to write the run to").Required();
  flags.Strings("set", &train->overrides, "FIELD=VALUE", "set a field of the config");
  flags.String(
      "split", &train->job.split, "NAME",
      "split of the store to use (default: the first by name, or with --resume that of the run)");
  flags.Choice("splits", &train->splits, {"all"},
               "train one run for every split of the store, each in RUN/split-NAME");
  flags.Int(
      "seeds", &train->repeat.seeds, int64_t{0}, int64_t{10000},
      "train N runs with seeds train.seed, train.seed+1, ..., each in RUN/seed-N (0: a single run "
      "in RUN)");
  flags.Switch("resume", &train->resume,
               "continue the run if there is one, with its own store, config and split unless "
               "others are given");
  flags.Switch("overwrite", &train->overwrite, "replace the run if there is one");
  flags.String("init", &train->job.init, "FILE.safetensors",
               "weights to start from, under the names of the paper's code; the run does not "
               "record them, so a resumed run needs this flag again until it has a checkpoint");
  flags.Choice("log", &train->log, {"text", "json"},
               "what to print: lines for people, or the lines of metrics.jsonl");
  AddRanksFlags(&flags, &train->ranks);
  flags.Example("train --store stores/wordnet.qh --config quickstart --run runs/first");
  flags.Example("train --run runs/first --resume");
  flags.Example("train --store stores/wordnet.qh --config quickstart --seeds 5 --run runs/five");
  flags.Example(
      "train --store stores/wordnet.qh --config my.textproto --set train.epochs=20 --run runs/2");
  return flags;
}

// A run that begins needs both.
absl::Status NeedStoreAndConfig(const TrainFlags& train) {
  constexpr absl::string_view kUnlessResumed = "; only a run that is resumed has its own";
  if (train.job.store.empty())
    return UsageError(absl::StrCat("needs --store NAME.qh: the store", kUnlessResumed));
  if (train.config.empty())
    return UsageError(
        absl::StrCat("needs --config CONFIG: a preset or a textproto file", kUnlessResumed));
  return absl::OkStatus();
}

// The run that is resumed; of runs over seeds or splits, the first.
absl::StatusOr<std::string> RunToCarryOn(const TrainFlags& train) {
  const std::string& run = train.job.run;
  const std::vector<std::string> within = RunsIn(run);
  if (within.empty()) return run;
  const std::string first = absl::StrCat(run, "/", within.front());
  if (train.repeat.any()) return first;
  return absl::FailedPreconditionError(
      absl::StrCat(run,
                   " holds runs over seeds or splits: resume them with the --seeds or --splits "
                   "that they were begun with, or resume one of them, as in --run ",
                   first));
}

// Takes from the run what the command line does not give.
absl::Status TakeFromRun(TrainFlags* train) {
  TrainJob& job = train->job;
  QH_ASSIGN_OR_RETURN(const std::string run, RunToCarryOn(*train));
  if (train->config.empty() || job.store.empty()) {
    const absl::Status there = ReadRunConfig(run).status();
    if (absl::IsNotFound(there))
      return absl::NotFoundError(
          absl::StrCat(std::string(there.message()), "; to begin one, give --store and --config"));
    QH_RETURN_IF_ERROR(there);
  }
  if (train->config.empty()) train->config = RunConfigPath(run);
  if (job.store.empty()) {
    QH_ASSIGN_OR_RETURN(job.store, FindRunStore(run));
  }
  if (job.split.empty()) {
    QH_ASSIGN_OR_RETURN(job.split, ReadRunSplit(run));
  }
  if (job.init.empty()) {
    QH_ASSIGN_OR_RETURN(const RunInit init, ReadRunInit(run));
    job.init = init.path;
  }
  return absl::OkStatus();
}

// False if it asks for help.
absl::StatusOr<bool> ReadCommandLine(absl::Span<const std::string> arguments, TrainFlags* train) {
  Flags flags = Declare(train);
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return false;
  QH_RETURN_IF_ERROR(flags.CheckExcluded("resume", {"overwrite"}));
  QH_RETURN_IF_ERROR(flags.CheckExcluded("splits", {"split"}));
  train->repeat.all_splits = train->splits == "all";
  if (train->resume) train->job.start = RunFolder::Start::kResume;
  if (train->overwrite) train->job.start = RunFolder::Start::kOverwrite;
  QH_RETURN_IF_ERROR(train->resume ? TakeFromRun(train) : NeedStoreAndConfig(*train));
  absl::StatusOr<Config> config = LoadConfig(train->config, train->overrides);
  if (!config.ok()) return UsageError(config.status().message());
  train->job.config = *std::move(config);
  TakeDeadlines(train->job.config.train(), &train->ranks);
  if (train->log == "json") train->job.log = LogStyle::kJson;
  train->ranks.after_loss = "carry on with --resume";
  return true;
}

// Whether a run may begin, or go on, in its folder with its config, and from its initial weights.
absl::Status CheckRun(const TrainJob& job) {
  QH_RETURN_IF_ERROR(RunFolder::CheckStart(job.run, job.start));
  const bool goes_on = job.start == RunFolder::Start::kResume && FileExists(RunConfigPath(job.run));
  if (goes_on) {
    QH_ASSIGN_OR_RETURN(const Config before, ReadRunConfig(job.run));
    Config now = job.config;
    ChooseBackends(before.model().backend() == ModelConfig::CUDA, &now);
    QH_RETURN_IF_ERROR(ChangesOnResume(before, now).status());
  }
  if (job.init.empty()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> checkpoints, ListCheckpointSteps(job.run));
  if (goes_on && !checkpoints.empty()) return absl::OkStatus();  // it is not read again
  return SafetensorsFile::Open(job.init).status();
}

}  // namespace

absl::Status CheckTraining(absl::Span<const std::string> arguments, int num_ranks) {
  TrainFlags train;
  QH_ASSIGN_OR_RETURN(const bool proceed, ReadCommandLine(arguments, &train));
  if (!proceed) return absl::OkStatus();
  if (!train.repeat.any()) QH_RETURN_IF_ERROR(CheckRun(train.job));
  if (train.job.config.model().backend() == ModelConfig::CUDA && !IsBuiltWithCuda())
    return absl::FailedPreconditionError(
        "model.backend is CUDA, but this quadhop is built without CUDA: cmake --preset cuda "
        "configures one that has it");
  const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(train.job.store);
  if (absl::IsNotFound(store.status())) {
    PrintWarning(
        absl::StrCat(store.status().message(), ": the job fails if it begins before there is one"));
    return absl::OkStatus();
  }
  QH_RETURN_IF_ERROR(store.status());
  QH_ASSIGN_OR_RETURN(const std::vector<TrainJob> jobs, Repetitions(train.job, train.repeat));
  if (train.repeat.any()) QH_RETURN_IF_ERROR(CheckRepetitions(train.job.run, jobs));
  ThreadPool pool(1);
  QH_RETURN_IF_ERROR(CheckRanksOfStore(**store, num_ranks, pool));
  return CheckSplits(**store, jobs, pool);
}

absl::StatusOr<ExitCode> TrainCommand(absl::Span<const std::string> arguments) {
  TrainFlags train;
  QH_ASSIGN_OR_RETURN(const bool proceed, ReadCommandLine(arguments, &train));
  if (!proceed) return ExitCode::kDone;
  std::signal(SIGPIPE, SIG_IGN);  // training outlives whoever reads what it prints
  StopSignals stop;
  train.job.stop = &stop;
  QH_ASSIGN_OR_RETURN(const std::vector<TrainJob> jobs, Repetitions(train.job, train.repeat));
  return RunRanks(train.ranks, [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
    std::vector<TrainJob> of_rank = jobs;  // one if nothing is repeated
    if (train.resume) {
      // Another host may not yet see a file that was written to a network folder a moment ago.
      QH_ASSIGN_OR_RETURN(const std::string split, BroadcastText(context.comm, "split of the run",
                                                                 Rank(0), train.job.split));
      QH_ASSIGN_OR_RETURN(const std::string init,
                          BroadcastText(context.comm, "initial weights", Rank(0), train.job.init));
      for (TrainJob& job : of_rank) {
        if (!train.repeat.all_splits) job.split = split;
        job.init = init;
      }
    }
    return train.repeat.any() ? TrainRepeatedly(train.job.run, of_rank, context)
                              : Train(of_rank.front(), context);
  });
}

}  // namespace quadhop
