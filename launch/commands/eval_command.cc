// quadhop eval --run RUN
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/ranks/runtime.h"
#include "launch/results/evaluate.h"

namespace quadhop {

absl::StatusOr<ExitCode> EvalCommand(absl::Span<const std::string> arguments) {
  CheckpointFlags model;
  EvaluateJob eval;
  RanksOptions ranks;
  Flags flags("eval", "Computes the metrics of a checkpoint on a store's splits.");
  model.AddRun(&flags);
  model.AddStore(&flags);
  flags.String("split", &eval.split, "NAME",
               "a split of the store (default: the one that the run was trained on)");
  AddSamplesFlag(&flags, &eval.samples);
  flags.Switch("json", &eval.as_json, "print one JSON object on one line");
  AddRanksFlags(&flags, &ranks);
  flags.Example("eval --run runs/quickstart");
  flags.Example("eval --run runs/quickstart --samples 4");
  QH_ASSIGN_OR_RETURN(const bool proceed, model.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  eval.model = model.job;
  TakeDeadlines(eval.model.config.train(), &ranks);
  return RunRanks(ranks, [&eval](const RankContext& context) { return Evaluate(eval, context); });
}

}  // namespace quadhop
