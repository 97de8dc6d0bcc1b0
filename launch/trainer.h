// The training loop.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>

#include "launch/evaluation.h"
#include "launch/jobs.h"
#include "launch/run_folder.h"
#include "launch/session.h"
#include "model/adam.h"

namespace quadhop {

// Trains a session's model as its config says, and keeps the run folder. One object a rank; Run is
// collective.
class Trainer {
 public:
  Trainer(const TrainJob& job, Session& session);

  absl::Status Run();

 private:
  // What an epoch of training came to.
  struct Epoch {
    double loss = 0;  // mean over steps, weighted by their nodes
    int64_t nodes = 0;
    double seconds = 0;
    double exposed_wait_seconds = 0;
  };

  absl::Status Begin();
  absl::Status Resume();
  absl::StatusOr<Epoch> TrainEpoch(int64_t epoch);
  absl::Status TrainStep(const Batch& batch, Epoch& epoch);
  absl::Status CheckReplicas();
  absl::Status EvaluateEpoch(int64_t epoch, const Epoch& trained);
  void KeepBest(const std::map<SplitPart, PartMetrics>& metrics);
  absl::Status SaveCheckpoints(int64_t epoch, bool better);
  absl::Status Finish();
  bool OutOfPatience() const;

  const TrainJob& job_;
  const TrainConfig& config_;
  Session& session_;
  Adam adam_;
  std::unique_ptr<RunFolder> folder_;  // rank 0 only
  RunPosition position_;
  int64_t steps_per_epoch_ = 0;
};

}  // namespace quadhop
