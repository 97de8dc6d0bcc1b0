// quadhop train --store NAME.qh --config CONFIG --run RUN
#include "core/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/config/config.h"
#include "launch/ranks/runtime.h"
#include "launch/training/repetitions.h"
#include "launch/training/train_job.h"

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
  flags.String("store", &train->job.store, "NAME.qh", "the store").Required();
  flags.String("config", &train->config, "CONFIG", "a preset or a textproto file").Required();
  flags.String("run", &train->job.run, "RUN", "the folder to write the run to").Required();
  flags.Strings("set", &train->overrides, "FIELD=VALUE", "set a field of the config");
  flags.String("split", &train->job.split, "NAME",
               "split of the store to use (default: the first by name)");
  flags.Choice("splits", &train->splits, {"all"},
               "train one run for every split of the store, each in RUN/split-NAME");
  flags.Int(
      "seeds", &train->repeat.seeds, int64_t{0}, int64_t{10000},
      "train N runs with seeds train.seed, train.seed+1, ..., each in RUN/seed-N (0: a single run "
      "in RUN)");
  flags.Switch("resume", &train->resume, "continue the run if there is one");
  flags.Switch("overwrite", &train->overwrite, "replace the run if there is one");
  flags.String("init", &train->job.init, "FILE.safetensors",
               "weights to start from, with the paper code's names");
  flags.Choice("log", &train->log, {"text", "json"},
               "what to print: lines for people, or the lines of metrics.jsonl");
  AddRanksFlags(&flags, &train->ranks);
  flags.Example("train --store stores/wordnet.qh --config quickstart --run runs/first");
  flags.Example("train --store stores/wordnet.qh --config quickstart --seeds 5 --run runs/five");
  flags.Example(
      "train --store stores/wordnet.qh --config my.textproto --set train.epochs=20 --run runs/2");
  return flags;
}

}  // namespace

absl::StatusOr<ExitCode> TrainCommand(absl::Span<const std::string> arguments) {
  TrainFlags train;
  Flags flags = Declare(&train);
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(flags.CheckExcluded("resume", {"overwrite"}));
  QH_RETURN_IF_ERROR(flags.CheckExcluded("splits", {"split"}));
  train.repeat.all_splits = train.splits == "all";
  if (train.resume) train.job.start = RunFolder::Start::kResume;
  if (train.overwrite) train.job.start = RunFolder::Start::kOverwrite;
  absl::StatusOr<Config> config = LoadConfig(train.config, train.overrides);
  if (!config.ok()) return UsageError(config.status().message());
  train.job.config = *std::move(config);
  TakeDeadlines(train.job.config.train(), &train.ranks);
  if (train.log == "json") train.job.log = LogStyle::kJson;
  train.ranks.after_loss = "carry on with --resume";
  const StopSignals stop;
  train.job.stop = &stop;
  if (!train.repeat.any())
    return RunRanks(train.ranks,
                    [&train](const RankContext& context) { return Train(train.job, context); });
  QH_ASSIGN_OR_RETURN(const std::vector<TrainJob> jobs, Repetitions(train.job, train.repeat));
  return RunRanks(train.ranks, [&](const RankContext& context) {
    return TrainRepeatedly(train.job.run, jobs, context);
  });
}

}  // namespace quadhop
