#include <absl/strings/str_format.h>

#include "core/status.h"
#include "launch/json/json_object.h"
#include "launch/results/checkpoint_jobs.h"
#include "launch/results/evaluation.h"
#include "launch/results/load_model.h"
#include "launch/results/metrics.h"

namespace quadhop {

absl::StatusOr<ExitCode> Evaluate(const EvaluateJob& job, const RankContext& context) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                      LoadModel(job.model, job.split, Use::kMeasure, context));
  QH_ASSIGN_OR_RETURN(
      const auto metrics,
      EvaluateParts(*session, {SplitPart::kTrain, SplitPart::kValid, SplitPart::kTest}));
  if (!context.IsMain()) return ExitCode::kDone;
  if (!job.as_json) absl::PrintF("split %s of %s\n", session->split(), session->store().path());
  JsonObject json;
  json.Add("checkpoint", job.model.checkpoint).Add("split", session->split());
  for (const auto& [part, of_part] : metrics) {
    for (const auto& [name, value] : of_part.Named(part)) json.Add(name, value);
    json.Add(absl::StrCat(PartName(part), "_nodes"), of_part.nodes);
    if (!job.as_json)
      absl::PrintF("%-6s %s %s of %d nodes\n", PartName(part),
                   session->store().manifest().multi_label() ? "micro F1" : "accuracy",
                   FigureText(of_part.selected()), of_part.nodes);
  }
  if (job.as_json) absl::PrintF("%s\n", json.ToString());
  return ExitCode::kDone;
}

}  // namespace quadhop
