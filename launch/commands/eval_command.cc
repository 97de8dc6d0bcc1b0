// quadhop eval --run RUN
#include "core/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/ranks/runtime.h"
#include "launch/results/checkpoint_jobs.h"

namespace quadhop {

absl::StatusOr<ExitCode> EvalCommand(absl::Span<const std::string> arguments) {
  CheckpointFlags eval;
  RanksOptions ranks;
  Flags flags("eval", "Computes the metrics of a checkpoint on a store's splits.");
  eval.AddRun(&flags);
  eval.AddStore(&flags);
  flags.String("split", &eval.job.split, "NAME",
               "a split of the store; else the one that the run was trained on");
  flags.Switch("json", &eval.job.as_json, "one JSON object on one line");
  AddRanksFlags(&flags, &ranks);
  flags.Example("eval --run runs/quickstart");
  QH_ASSIGN_OR_RETURN(const bool proceed, eval.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  TakeDeadlines(eval.job.config.train(), &ranks);
  return RunRanks(ranks,
                  [&eval](const RankContext& context) { return Evaluate(eval.job, context); });
}

}  // namespace quadhop
