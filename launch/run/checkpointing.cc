#include "launch/run/checkpointing.h"

#include <absl/strings/str_format.h>

#include <cstdio>
#include <utility>

#include "core/status.h"
#include "launch/run/checkpoint_folder.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Checkpointing>> Checkpointing::Create(const TrainJob& job,
                                                                     Session& session,
                                                                     RunFolder* folder,
                                                                     Faults& faults) {
  auto made = std::unique_ptr<Checkpointing>(new Checkpointing(job, session, folder, faults));
  QH_ASSIGN_OR_RETURN(made->writer_, CheckpointWriter::Create(session.context().comm));
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
  return folder_ != nullptr && minutes > 0 && absl::Now() - last_write_ > absl::Minutes(minutes);
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
  const absl::Time start = absl::Now();
  QH_ASSIGN_OR_RETURN(const auto before, writer_->Wait());
  if (before.has_value()) Note(*before);
  CheckpointWrite write;
  QH_ASSIGN_OR_RETURN(write.snapshot, TakeSnapshot(session_.Subject(&adam), position));
  write.path = CheckpointPath(job_.run, position.step());
  write.hook = FaultsAt(position.step());
  write.publish = [run = job_.run, step = position.step(), best,
                   keep = job_.config.checkpoint().keep()] {
    return PublishCheckpoint(run, step, best, keep);
  };
  writer_->Start(std::move(write));
  best_ = best;
  last_write_ = absl::Now();
  last_write_step_ = position.step();
  stall_seconds_ = absl::ToDoubleSeconds(last_write_ - start);
  return absl::OkStatus();
}

absl::Status Checkpointing::Collect() {
  if (!writer_->HasFinished()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const auto outcome, writer_->Wait());
  if (outcome.has_value()) Note(*outcome);
  return absl::OkStatus();
}

void Checkpointing::Note(const CheckpointWriter::Outcome& outcome) {
  last_ = outcome.status;
  if (!last_.ok()) ++num_failed_;
  if (folder_ == nullptr) return;
  const int64_t step = outcome.position.step();
  JsonObject event;
  event.Add("event", last_.ok() ? "checkpoint" : "checkpoint_failed")
      .Add("after_step", step)
      .Add("stall_seconds", stall_seconds_)
      .Add("write_seconds", outcome.seconds)
      .Add("bytes", outcome.bytes);
  if (!last_.ok()) {
    event.Add("why", last_.message());
    absl::FPrintF(stderr,
                  "quadhop: warning: the checkpoint after step %d%s could not be written, training "
                  "goes on: %s\n",
                  step, best_ ? ", the best so far," : "", std::string(last_.message()));
  }
  folder_->Log(event);
}

absl::Status Checkpointing::Finish() {
  QH_ASSIGN_OR_RETURN(const auto outcome, writer_->Wait());
  if (outcome.has_value()) Note(*outcome);
  if (last_.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the last checkpoint could not be written: ", std::string(last_.message()),
                   "; make room, and carry on with --resume"));
}

std::string Checkpointing::Warning() const {
  if (num_failed_ == 0) return "";
  return absl::StrCat("  [", num_failed_, num_failed_ == 1 ? " checkpoint" : " checkpoints",
                      " could not be written]");
}

}  // namespace quadhop
