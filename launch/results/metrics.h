// Metrics of predictions. Each is computed from whole numbers, or from all scores, up to its last
// division, so that it is the same in every digit however nodes are spread over ranks.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/tensor.h"

namespace quadhop {

// The column of the largest score; the first of equal ones. kUnlabelled if a score is NaN, as from
// a model that has diverged. scores [C], C >= 1.
int32_t LargestColumn(absl::Span<const float> scores);

// The share of nodes that are right ("acc" in OGB).
struct AccuracyCounts {
  int64_t right = 0;
  int64_t total = 0;

  // labels [B]; nodes with kUnlabelled do not count. scores [B, C].
  void Add(TensorView<const float> scores, absl::Span<const int32_t> labels);
  // A node of class `label` for which `predicted` was predicted.
  void AddClass(int32_t predicted, int32_t label);
  double Accuracy() const;  // NaN if total is 0
};

// F1 of C classes, or of a multi-label task with C columns.
class F1Counts {
 public:
  explicit F1Counts(int32_t num_columns);
  // A node with several labels: a column is predicted if its logit is positive. labels [B, C],
  // values 0, 1 or kUnlabelledMulti, which does not count. logits [B, C].
  void Add(TensorView<const float> logits, TensorView<const uint8_t> labels);
  // A node of class `label`, in [0, C), for which `predicted` was predicted (kUnlabelled: none).
  void AddClass(int32_t predicted, int32_t label);
  double Micro() const;  // of the counts of all columns together
  // The mean of the columns' F1; a column without positives on either side has 0.
  double Macro() const;
  // The mean of the F1 of the classes that some node has or is predicted to have; NaN if none.
  double MacroOfPresent() const;
  // true positives, false positives, false negatives of each column, for SumOverRanks.
  absl::Span<int64_t> counts() { return absl::MakeSpan(counts_); }

 private:
  double OfColumn(int64_t column) const;  // NaN without positives on either side

  int64_t num_columns_;
  std::vector<int64_t> counts_;  // [3, C]
};

// The mean loss of nodes, in nats: what training minimises, but without dropout and class weights.
class LossSum {
 public:
  // The cross entropy of a node of class `label`. logits [C].
  void AddClass(absl::Span<const float> logits, int32_t label);
  // Of a node with several labels: the binary cross entropy of those that are known, divided by C.
  // logits [C]; labels [C], values 0, 1 or kUnlabelledMulti.
  void AddLabels(absl::Span<const float> logits, absl::Span<const uint8_t> labels);
  // NaN if `nodes` is 0, or a node's loss is not a number below 65,536.
  double Mean(int64_t nodes) const;
  // For SumOverRanks.
  absl::Span<int64_t> counts() { return absl::MakeSpan(counts_); }

 private:
  void Add(double nats);

  // The sum in units of 2^-20 nats, which holds 10^8 nodes; and the nodes that it leaves out.
  std::array<int64_t, 2> counts_ = {};
};

// "0.9875", or "-" for NaN.
std::string FigureText(double figure);

// A score and its binary label, of one node.
struct ScoredLabel {
  float score = 0;
  uint32_t positive = 0;  // 0 or 1
};

bool HasBothLabels(absl::Span<const ScoredLabel> scored);

// How well scores put positives before negatives. NaN if one of the two labels is absent, or a
// score is NaN, as from a model that has diverged: it has no place in the order of scores.
struct RankingMetrics {
  double roc_auc;  // the area under the ROC curve; ties count one half
  // The mean over positives of the share of positives among the scores at least as high as theirs.
  double average_precision;
};

// Sorts `scored`.
RankingMetrics MeasureRanking(std::vector<ScoredLabel>* scored);

}  // namespace quadhop
