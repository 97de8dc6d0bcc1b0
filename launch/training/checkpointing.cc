#include "launch/training/checkpointing.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <cstdio>
#include <utility>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/base/warning.h"
#include "launch/run/checkpoint_folder.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Checkpointing>> Checkpointing::Create(const TrainJob& job,
                                                                     Session& session, Adam& adam,
                                                                     RunFolder* folder,
                                                                     Faults& faults) {
  auto made = std::unique_ptr<Checkpointing>(new Checkpointing(job, session, folder, faults));
  QH_ASSIGN_OR_RETURN(made->writer_, CheckpointWriter::Create(session.context().comm));
  // Allocated now, so that no later copy of the state waits for memory.
  QH_ASSIGN_OR_RETURN(made->spare_, TakeSnapshot(session.Subject(&adam), RunPosition()));
  return made;
}

bool Checkpointing::DueAfterStep(int64_t steps_done) const {
  const int64_t every = job_.config.checkpoint().every_steps();
  return every > 0 && steps_done % every == 0;
}

bool Checkpointing::DueAfterEpoch(int64_t epoch) const {
  return epoch % job_.config.checkpoint().every_epochs() == 0;
}

bool Checkpointing::DueByTime() const {
  const double minutes = job_.config.checkpoint().every_minutes();
  return folder_ != nullptr && minutes > 0 && since_last_write_.Elapsed() > absl::Minutes(minutes);
}

WriteHook Checkpointing::FaultsAt(int64_t step) const {
  return [this, step](WritePoint point) {
    switch (point) {
      case WritePoint::kFilesWritten:
        return faults_.At(FailAt::CHECKPOINT_FILES, step);
      case WritePoint::kRename:
        return faults_.At(FailAt::CHECKPOINT_RENAME, step);
      case WritePoint::kPublish:
        return faults_.At(FailAt::CHECKPOINT_PUBLISH, step);
    }
    return absl::OkStatus();
  };
}

absl::Status Checkpointing::Write(Adam& adam, const RunPosition& position, bool best) {
  const Stopwatch watch;
  if (folder_ != nullptr) QH_RETURN_IF_ERROR(folder_->CheckIsThere());
  QH_RETURN_IF_ERROR(NoteFinished());
  CheckpointWrite write;
  QH_ASSIGN_OR_RETURN(write.snapshot,
                      TakeSnapshot(session_.Subject(&adam), position, std::move(spare_)));
  write.path = CheckpointPath(job_.run, position.step());
  write.hook = FaultsAt(position.step());
  write.publish = [run = job_.run, step = position.step(), best,
                   keep = job_.config.checkpoint().keep()] {
    return PublishCheckpoint(run, step, best, keep);
  };
  std::vector<CheckpointWrite> writes;
  if (!best) AddUnwrittenBest(writes);
  unwritten_best_.reset();
  since_last_write_ = {};
  last_write_step_ = position.step();
  under_way_.push_back({best, false, watch.Seconds()});
  writes.push_back(std::move(write));
  writer_->Start(std::move(writes));
  return absl::OkStatus();
}

void Checkpointing::AddUnwrittenBest(std::vector<CheckpointWrite>& writes) {
  if (!unwritten_best_.has_value()) return;
  writes.push_back(*std::exchange(unwritten_best_, absl::nullopt));
  under_way_.push_back({true, true, 0});
}

absl::Status Checkpointing::Collect() {
  return writer_->HasFinished() ? NoteFinished() : absl::OkStatus();
}

absl::Status Checkpointing::NoteFinished() {
  QH_ASSIGN_OR_RETURN(std::vector<CheckpointWriter::Outcome> outcomes, writer_->Wait());
  for (size_t i = 0; i < outcomes.size(); ++i) Note(under_way_[i], std::move(outcomes[i]));
  under_way_.clear();
  return absl::OkStatus();
}

void Checkpointing::Note(const UnderWay& write, CheckpointWriter::Outcome outcome) {
  const absl::Status& status = outcome.status;
  const int64_t step = outcome.position.step();
  if (step == last_write_step_) last_ = status;
  if (!status.ok() && !write.again) ++num_failed_;
  if (folder_ != nullptr) {
    JsonObject event;
    event.Add("event", status.ok() ? "checkpoint" : "checkpoint_failed")
        .Add("after_step", step)
        .Add("stall_seconds", write.stall_seconds)
        .Add("write_seconds", outcome.seconds);
    if (status.ok())
      event.Add("bytes", outcome.bytes);
    else
      event.Add("why", status.message());
    folder_->Log(event);
    Warn(write, step, status);
  }
  if (status.ok()) spare_ = std::move(outcome.written);
  if (!status.ok() && write.best) unwritten_best_ = std::move(outcome.unwritten);
}

void Checkpointing::Warn(const UnderWay& write, int64_t step, const absl::Status& status) const {
  const char* const what = write.best ? ", the best so far," : "";
  if (!status.ok())
    PrintWarning(absl::StrCat("the checkpoint after step ", step, what,
                              " could not be written, training goes on: ", status.message()));
  else if (write.again)
    absl::FPrintF(stderr, "quadhop: the checkpoint after step %d%s has been written after all\n",
                  step, what);
}

absl::Status Checkpointing::Finish() {
  QH_RETURN_IF_ERROR(NoteFinished());
  if (unwritten_best_.has_value()) {
    std::vector<CheckpointWrite> writes;
    AddUnwrittenBest(writes);
    writer_->Start(std::move(writes));
    QH_RETURN_IF_ERROR(NoteFinished());
  }
  if (last_.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the last checkpoint could not be written: ", std::string(last_.message()),
                   "; once it can be, carry on with --resume"));
}

std::string Checkpointing::Warning() const {
  if (num_failed_ == 0) return "";
  return absl::StrCat("  [", Counted(num_failed_, "checkpoint"), " could not be written]");
}

}  // namespace quadhop
