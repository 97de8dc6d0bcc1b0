// Metrics of a model on parts of a split.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "launch/results/evaluation_detail.h"
#include "launch/results/metrics.h"
#include "launch/session/session.h"

namespace quadhop {

// Metrics of one part of a split, over all ranks. NaN if a metric does not apply, if there are no
// labelled nodes, and (ranking) if one of the two labels is absent or the model's scores are NaN.
struct PartMetrics {
  double accuracy;  // share of nodes that are right
  double micro_f1;  // multi-label
  double macro_f1;  // over classes that the nodes have or are predicted to have; or over labels
  double loss;      // nats a node, without dropout and class weights
  // Two classes: Session::ranked_class before the other. Or the mean over labels, if
  // train.select_by asks for it.
  RankingMetrics ranking;
  int64_t nodes;
  bool select_by_roc_auc;
  // What validation selects by: ROC AUC if that is asked for, else accuracy, or micro F1 for a
  // multi-label task.
  double selected() const;
  // The metrics that apply, as "PART_accuracy" and the like.
  std::vector<std::pair<std::string, double>> Named(SplitPart part) const;
};

// The name of PartMetrics::selected, as "ROC AUC ", to stand before its figure; "" for accuracy.
std::string SelectedMetric(const Session& session);

// Evaluates the labelled nodes of `parts` in one pass, each by its mean logits from `samples`
// samples. details: if not nullptr, what this rank saw of each part. is_to_stop: see
// Session::ForEachPrediction. Collective.
absl::StatusOr<std::map<SplitPart, PartMetrics>> EvaluateParts(
    Session& session, std::vector<SplitPart> parts, int64_t samples,
    std::map<SplitPart, EvaluationDetail>* details = nullptr, const StopQuestion& is_to_stop = {});

}  // namespace quadhop
