// The training loop.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>

#include "launch/display/sign_of_life.h"
#include "launch/display/train_display.h"
#include "launch/ranks/faults.h"
#include "launch/results/evaluation.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "launch/training/bad_numbers.h"
#include "launch/training/checkpointing.h"
#include "launch/training/pipeline_report.h"
#include "launch/training/step_agreement.h"
#include "launch/training/train_job.h"
#include "model/adam.h"

namespace quadhop {

// Trains a session's model as its config says, and keeps the run folder. One object a rank; Run is
// collective.
class Trainer {
 public:
  // Borrows all.
  Trainer(const TrainJob& job, Session& session, Faults& faults);

  // kDone when the run is finished; kResumable when a stop was asked for, and its checkpoint is
  // written or nothing was begun.
  absl::StatusOr<ExitCode> Run();

 private:
  // False if a stop was asked for while another process had the folder.
  absl::StatusOr<bool> TakeFolder();
  absl::Status Begin();
  // Puts back what a death left half done, takes up the newest intact checkpoint, if there is one,
  // and begins the folder: a resume that is refused, or has nothing to do, changes nothing else.
  absl::Status Resume();
  absl::Status TakeUp(const std::string& checkpoint);
  // Trains the rest of the epoch; true: or as much of it as ranks agreed on when one was asked to
  // stop.
  absl::StatusOr<bool> TrainEpoch(int64_t epoch);
  absl::Status TrainStep(const Batch& batch);
  // A step whose loss or gradient is not finite: left out if that is allowed, else the end.
  absl::Status HandleBadStep(const Batch& batch, double loss,
                             const std::vector<std::string>& tensors);
  // After each step: notes finished checkpoints, writes one if it is due, and learns whether the
  // run is to stop.
  absl::Status AgreeAfterStep(int64_t done, int64_t num_steps);
  absl::Status CheckReplicas();
  // Evaluates if it is the epoch's turn, logs it, and writes a checkpoint if one is due.
  absl::Status EndEpoch(int64_t epoch);
  // Whether it is the best so far. Adds its figures to the epoch's event and line.
  absl::StatusOr<bool> Evaluate(int64_t epoch, JsonObject& event, std::string& line);
  void KeepBest(int64_t epoch, const std::map<SplitPart, PartMetrics>& metrics);
  absl::StatusOr<ExitCode> Stop();
  absl::Status Finish();
  bool IsDone() const;  // all epochs are trained, or patience is at its end
  bool StopRequested() const;
  // On rank 0, a line in metrics.jsonl.
  void Log(const JsonObject& event);
  // Of the epoch under way, for the display.
  TrainingView View(int64_t epoch) const;
  // The evaluation of the best epoch so far, with where it is right and wrong. Collective.
  absl::Status WriteEvaluation(int64_t epoch, std::map<SplitPart, EvaluationDetail>& details);

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
  bool was_finished_ = false;  // the run that was to be carried on
  PipelineStats pipeline_;     // of the epoch
  int64_t steps_per_epoch_ = 0;
  double last_valid_ = -1, evaluation_seconds_ = 0;  // of the last evaluation, for the display
  bool due_by_time_ = false;  // ranks have agreed on a checkpoint, and none was written since
  int64_t last_step_ = -1;    // of this epoch, counted from 1, as agreed for a stop; -1: no stop
};

}  // namespace quadhop
