// The training loop.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launch/command_line/exit_code.h"
#include "launch/display/sign_of_life.h"
#include "launch/display/train_display.h"
#include "launch/faults/faults.h"
#include "launch/ranks/step_agreement.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "launch/training/bad_numbers.h"
#include "launch/training/checkpointing.h"
#include "launch/training/epoch_evaluation.h"
#include "launch/training/pipeline_report.h"
#include "launch/training/train_job.h"
#include "model/parameters/adam.h"

namespace quadhop {

// Trains a session's model as its config says, and keeps the run folder. One object per rank; Run
// is collective.
class Trainer {
 public:
  // Borrows all arguments.
  Trainer(const TrainJob& job, Session& session, Faults& faults);

  // kDone when the run is finished; kResumable when a stop was asked for, and its checkpoint is
  // written.
  absl::StatusOr<ExitCode> Run();

 private:
  absl::Status TakeFolder();  // by rank 0
  // Makes what training needs, takes up where the run was left, and begins its records. False if
  // the run to resume was already finished.
  absl::StatusOr<bool> Begin();
  absl::Status TakeInitialWeights();
  absl::Status BeginRecords();
  // Trains the rest of the epoch. True if a rank was asked to stop: then only as much of the epoch
  // as ranks agreed on.
  absl::StatusOr<bool> TrainEpoch(int64_t epoch);
  // Of the rest of the epoch.
  absl::Status StartBatches(int64_t epoch);
  absl::Status TrainStep(const Batch& batch);
  // Leaves out a step whose loss or gradient is not finite, if that is allowed; else ends the run.
  absl::Status HandleBadStep(const Batch& batch, double loss,
                             const std::vector<std::string>& tensors);
  // After each step: notes finished checkpoints, writes one if it is due, and learns whether the
  // run is to stop.
  absl::Status AfterStep();
  absl::Status CheckReplicas();
  // Evaluates if it is the epoch's turn, reports it, and writes a checkpoint if one is due.
  absl::Status EndEpoch(int64_t epoch);
  absl::StatusOr<EpochEvaluation> Evaluate(int64_t epoch);
  // The epoch's event, its line for people, and what they should know about it.
  void Report(int64_t epoch, const PipelineReport& loading,
              const std::optional<EpochEvaluation>& evaluation);
  absl::StatusOr<ExitCode> Stop();
  absl::Status Finish();
  void WarnOfDivergence(double train_loss);
  void AdviseOnEvaluation(int64_t epoch, double epoch_seconds);
  bool StopRequested() const;
  // On rank 0, writes a line in metrics.jsonl.
  void Log(const JsonObject& event);
  // The state of the epoch under way, for the display.
  TrainingView View(int64_t epoch) const;

  const TrainJob& job_;
  const TrainConfig& config_;
  Session& session_;
  Adam adam_;
  Faults& faults_;
  StepBackup backup_;
  TrainDisplay display_;
  std::unique_ptr<RunFolder> folder_;  // rank 0 only
  std::unique_ptr<SignOfLife> sign_;   // rank 0 only
  std::unique_ptr<StepAgreement> agreement_;
  std::unique_ptr<Checkpointing> checkpointing_;
  RunPosition position_;
  PipelineStats pipeline_;  // of the epoch
  int64_t steps_per_epoch_ = 0;
  double last_valid_ = -1, evaluation_seconds_ = 0;  // of the last evaluation, for the display
  bool diverged_ = false;  // the last epoch had the loss of a model that does not learn
  double least_loss_ = std::numeric_limits<double>::infinity();  // of an epoch so far
  bool due_by_time_ = false;  // ranks have agreed on a checkpoint, and none was written since
  int64_t last_step_ = -1;    // of this epoch, counted from 1, as agreed for a stop; -1: no stop
};

}  // namespace quadhop
