#include "launch/results/evaluate.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <cmath>
#include <string>

#include "core/base/status.h"
#include "launch/json/json_object.h"
#include "launch/ranks/step_agreement.h"
#include "launch/results/evaluation.h"
#include "launch/results/load_model.h"
#include "launch/results/majority_class.h"
#include "launch/results/metrics.h"
#include "launch/session/class_counts.h"

namespace quadhop {
namespace {

// "accuracy 0.9123, macro F1 0.8911, loss 0.2304", then, of two classes, "ROC AUC 0.9544, average
// precision (fraud) 0.9321". With several labels per node it begins with their micro F1.
std::string FiguresText(const PartMetrics& metrics, const Session& session) {
  const StoreManifest& manifest = session.store().manifest();
  std::string text = manifest.multi_label()
                         ? absl::StrCat("micro F1 ", FigureText(metrics.micro_f1))
                         : absl::StrCat("accuracy ", FigureText(metrics.accuracy));
  if (!std::isnan(metrics.macro_f1))
    absl::StrAppend(&text, ", macro F1 ", FigureText(metrics.macro_f1));
  if (!std::isnan(metrics.loss)) absl::StrAppend(&text, ", loss ", FigureText(metrics.loss));
  if (std::isnan(metrics.ranking.roc_auc)) return text;
  absl::StrAppend(&text, ", ROC AUC ", FigureText(metrics.ranking.roc_auc), ", average precision ");
  if (const auto ranked = session.ranked_class())
    absl::StrAppend(&text, "(", ClassName(manifest, *ranked), ") ");
  return absl::StrCat(text, FigureText(metrics.ranking.average_precision));
}

}  // namespace

absl::StatusOr<ExitCode> Evaluate(const EvaluateJob& job, const RankContext& context) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                      LoadModel(job.model, job.split, Use::kMeasure, context));
  const int64_t samples = session->DistinctSamples(job.samples);
  // Ranks keep pace: a rank that is done sooner would wait for the slowest until its deadline.
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<StepAgreement> pace,
                      StepAgreement::Create(context.comm));
  const auto is_to_stop = [&]() -> absl::StatusOr<bool> {
    QH_RETURN_IF_ERROR(pace->Exchange({}).status());
    return false;
  };
  QH_ASSIGN_OR_RETURN(
      const auto metrics,
      EvaluateParts(*session, {SplitPart::kTrain, SplitPart::kValid, SplitPart::kTest}, samples,
                    /*details=*/nullptr, is_to_stop));
  if (!context.IsMain()) return ExitCode::kDone;
  if (!job.as_json)
    absl::PrintF("split %s of %s%s\n", session->split(), session->store().path(),
                 samples > 1 ? absl::StrCat(", mean of ", samples, " samples") : "");
  JsonObject json;
  json.Add("checkpoint", job.model.checkpoint)
      .Add("split", session->split())
      .Add("samples", samples);
  if (const auto ranked = session->ranked_class())
    json.Add("ranked_class", ClassName(session->store().manifest(), *ranked));
  for (const auto& [part, of_part] : metrics) {
    for (const auto& [name, value] : of_part.Named(part)) json.Add(name, value);
    json.Add(absl::StrCat(PartName(part), "_nodes"), of_part.nodes);
    if (!job.as_json)
      absl::PrintF("%-6s %s of %d nodes\n", PartName(part), FiguresText(of_part, *session),
                   of_part.nodes);
  }
  QH_ASSIGN_OR_RETURN(const double majority,
                      MajorityClassTestAccuracy(session->store(), session->split()));
  if (!std::isnan(majority)) json.Add("majority_class_test_accuracy", majority);
  if (!std::isnan(majority) && !job.as_json)
    absl::PrintF("the most frequent class alone: test accuracy %.4f\n", majority);
  if (job.as_json) absl::PrintF("%s\n", json.ToString());
  return ExitCode::kDone;
}

}  // namespace quadhop
