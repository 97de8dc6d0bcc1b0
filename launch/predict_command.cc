// quadhop predict --run RUN --out FILE.npy
#include "core/status.h"
#include "launch/commands.h"
#include "launch/flags.h"
#include "launch/job_flags.h"
#include "launch/jobs.h"
#include "launch/runtime.h"

namespace quadhop {

absl::StatusOr<ExitCode> PredictCommand(absl::Span<const std::string> arguments) {
  CheckpointFlags predict;
  RanksOptions ranks;
  Flags flags("predict", "Predicts all nodes of a store, in the order of its input.");
  predict.AddRun(&flags);
  predict.AddStore(&flags);
  flags.String("out", &predict.job.out, "FILE.npy", "the predictions, a row a node").Required();
  AddRanksFlags(&flags, &ranks);
  flags.Example("predict --run runs/quickstart --out predictions.npy");
  QH_ASSIGN_OR_RETURN(const bool proceed, predict.Parse(&flags, arguments));
  if (!proceed) return ExitCode::kDone;
  TakeDeadlines(predict.job.config.train(), &ranks);
  return RunRanks(ranks,
                  [&predict](const RankContext& context) { return Predict(predict.job, context); });
}

}  // namespace quadhop
