// The evaluation at the end of an epoch, and whether it is the best so far.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>

#include "launch/json/json_object.h"
#include "launch/results/evaluation.h"
#include "launch/session/session.h"
#include "model/checkpoint/checkpoint.pb.h"

namespace quadhop {

// Evaluates the validation nodes, and the test nodes if train.evaluate_test wants them.
class EpochEvaluation {
 public:
  // best_valid: the best validation metric of all earlier epochs. kCancelled if it is to stop.
  // Collective.
  static absl::StatusOr<EpochEvaluation> Of(Session& session, double best_valid,
                                            const StopQuestion& is_to_stop);

  // Whether it is the best so far. Of equal epochs the later is, as it has trained longer; without
  // validation nodes every epoch is.
  bool best() const { return best_; }
  double valid() const { return valid_; }
  double seconds() const { return seconds_; }

  // Records it in the position of the run: as the best if it is, and in the count of evaluations
  // without an improvement.
  void Note(int64_t epoch, RunPosition& position) const;
  // Adds its figures to the event of the epoch.
  void AddTo(JsonObject& event) const;
  // "  valid 0.7123  test 0.7001  best 0.7001 (epoch 3)", or "  valid ROC AUC 0.7123  test ...".
  // position: the one that it was noted in.
  std::string Text(const RunPosition& position) const;
  // For evaluation.json, if it is the best: where the model is right and wrong, over all ranks.
  JsonObject Detail(Session& session, int64_t epoch) const;

 private:
  EpochEvaluation() = default;

  std::map<SplitPart, PartMetrics> metrics_;
  std::map<SplitPart, EvaluationDetail> details_;  // if it is the best, over all ranks
  std::string metric_;                             // SelectedMetric
  double valid_ = 0;
  bool better_ = false;  // than all before
  bool best_ = false;
  double seconds_ = 0;
};

}  // namespace quadhop
