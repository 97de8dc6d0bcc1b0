// When a run writes checkpoints, and what became of them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <absl/types/optional.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/stopwatch.h"
#include "launch/faults/faults.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "launch/training/train_job.h"
#include "model/checkpoint/checkpoint_writer.h"

namespace quadhop {

// Writes a run's checkpoints in the background. A write that fails is a warning, at once and in
// every line that follows: the run and the earlier checkpoints stay. If it was of the best state so
// far, that state is kept in memory, and its write is tried again before the next one, and at the
// end. One object per rank, used by one thread; all functions but the queries and Collect are
// collective.
class Checkpointing {
 public:
  // folder: nullptr except on rank 0. Borrows all arguments but adam. Collective.
  static absl::StatusOr<std::unique_ptr<Checkpointing>> Create(const TrainJob& job,
                                                               Session& session, Adam& adam,
                                                               RunFolder* folder, Faults& faults);

  bool DueAfterStep(int64_t steps_done) const;
  bool DueAfterEpoch(int64_t epoch) const;
  // Whether checkpoint.every_minutes have passed, by the clock of rank 0; false on other ranks.
  bool DueByTime() const;
  // Whether the last call of Write was after `steps_done` steps.
  bool WroteAfter(int64_t steps_done) const { return last_write_step_ == steps_done; }

  // Waits for the previous write, copies the state, and writes it in the background. On rank 0, the
  // error of RunFolder::CheckIsThere.
  absl::Status Write(Adam& adam, const RunPosition& position, bool best);
  // Notes what became of a write that has finished; does not wait. Not collective.
  absl::Status Collect();
  // Waits for the write under way. kInternal if the write of the last state failed.
  absl::Status Finish();

  // A note about the writes that failed; "" if there are none.
  std::string Warning() const;
  int64_t num_failed() const { return num_failed_; }

 private:
  Checkpointing(const TrainJob& job, Session& session, RunFolder* folder, Faults& faults)
      : job_(job), session_(session), folder_(folder), faults_(faults) {}
  // A write that was handed to the writer.
  struct UnderWay {
    bool best = false;
    bool again = false;
    double stall_seconds = 0;
  };
  void AddUnwrittenBest(std::vector<CheckpointWrite>& writes);
  absl::Status NoteFinished();
  void Note(const UnderWay& write, CheckpointWriter::Outcome outcome);
  void Warn(const UnderWay& write, int64_t step, const absl::Status& status) const;
  WriteHook FaultsAt(int64_t step) const;

  const TrainJob& job_;
  Session& session_;
  RunFolder* folder_;
  Faults& faults_;
  std::unique_ptr<CheckpointWriter> writer_;
  Stopwatch since_last_write_;
  int64_t last_write_step_ = -1;
  std::vector<UnderWay> under_way_;
  CheckpointSnapshot spare_;                        // a written one, kept for its memory; or empty
  absl::optional<CheckpointWrite> unwritten_best_;  // failed, and no better state has come since
  int64_t num_failed_ = 0;
  absl::Status last_;  // what became of the state of last_write_step_
};

}  // namespace quadhop
