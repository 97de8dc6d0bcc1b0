#include "launch/training/epoch_evaluation.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <cmath>

#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "launch/results/metrics.h"

namespace quadhop {

absl::StatusOr<EpochEvaluation> EpochEvaluation::Of(Session& session, double best_valid,
                                                    const StopQuestion& is_to_stop) {
  const Stopwatch watch;
  EpochEvaluation made;
  QH_ASSIGN_OR_RETURN(made.metrics_, EvaluateParts(session, {SplitPart::kValid}, /*samples=*/1,
                                                   &made.details_, is_to_stop));
  const PartMetrics& valid = made.metrics_.at(SplitPart::kValid);
  made.metric_ = SelectedMetric(session);
  made.valid_ = valid.selected();
  if (valid.nodes > 0 && valid.select_by_roc_auc && std::isnan(made.valid_))
    return absl::FailedPreconditionError(absl::StrCat(
        "the validation nodes of split ", session.split(),
        " have no area under the ROC curve: the model's scores are not numbers. It has diverged: "
        "begin another --run with a lower train.learning_rate, or set train.clip_norm"));
  // Without validation nodes the last epoch is the result.
  made.better_ = valid.nodes == 0 || made.valid_ > best_valid;
  made.best_ = made.better_ || made.valid_ == best_valid;
  if (made.best_ || session.config().train().evaluate_test() == TrainConfig::ALWAYS) {
    QH_ASSIGN_OR_RETURN(auto of_test, EvaluateParts(session, {SplitPart::kTest}, /*samples=*/1,
                                                    &made.details_, is_to_stop));
    made.metrics_.merge(of_test);
  }
  if (made.best_)
    for (auto& [part, detail] : made.details_)
      QH_RETURN_IF_ERROR(detail.Sum(session.context().comm));
  made.seconds_ = watch.Seconds();
  return made;
}

void EpochEvaluation::Note(int64_t epoch, RunPosition& position) const {
  position.set_evaluations_without_better(better_ ? 0 : position.evaluations_without_better() + 1);
  position.set_latest_valid(valid_);
  if (!best_) return;
  position.set_best_valid(valid_);
  position.set_best_test(metrics_.at(SplitPart::kTest).selected());
  position.set_best_epoch(epoch);
  const auto detail = details_.find(SplitPart::kValid);
  position.set_best_says_one_class(detail != details_.end() && detail->second.PredictsOneClass());
  position.clear_best_metrics();
  for (const auto& [part, of_part] : metrics_) {
    for (const auto& [name, value] : of_part.Named(part)) {
      NamedMetric* metric = position.add_best_metrics();
      metric->set_name(name);
      metric->set_value(value);
    }
  }
}

void EpochEvaluation::AddTo(JsonObject& event) const {
  for (const auto& [part, of_part] : metrics_)
    for (const auto& [name, value] : of_part.Named(part)) event.Add(name, value);
  event.Add("evaluation_seconds", seconds_);
}

std::string EpochEvaluation::Text(const RunPosition& position) const {
  std::string text;
  for (const auto& [part, of_part] : metrics_)
    absl::StrAppend(&text, "  ", PartName(part), " ", part == SplitPart::kValid ? metric_ : "",
                    FigureText(of_part.selected()));
  if (metrics_.at(SplitPart::kValid).nodes > 0)
    absl::StrAppendFormat(&text, "  best %s (epoch %d)", FigureText(position.best_test()),
                          position.best_epoch());
  return text;
}

JsonObject EpochEvaluation::Detail(Session& session, int64_t epoch) const {
  JsonObject detail;
  detail.Add("epoch", epoch).Add("split", session.split());
  for (const auto& [part, of_part] : details_) detail.Add(PartName(part), of_part.ToJson());
  if (Codebook* const book = session.model().codebook())
    detail.Add("codebook_counts", book->counts());
  return detail;
}

}  // namespace quadhop
