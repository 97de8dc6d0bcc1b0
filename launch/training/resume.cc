#include "launch/training/resume.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <string>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/base/warning.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "model/checkpoint/checkpoint.h"

namespace quadhop {
namespace {

// What rank 0 finds in the folder of the run; the others read the checkpoint that it found.
struct Found {
  int64_t step = -1;  // of the checkpoint to take; -1: there is none
  bool summary = false;
};

absl::StatusOr<Found> LookInto(const std::string& run) {
  QH_RETURN_IF_ERROR(RestoreReplaced(run));
  QH_RETURN_IF_ERROR(ReplaceCopiesByLinks(run));
  QH_ASSIGN_OR_RETURN(const NewestIntact newest, FindNewestIntact(run));
  for (const std::string& damage : newest.damaged)
    PrintWarning(absl::StrCat("a damaged checkpoint is skipped: ", damage));
  return Found{newest.step, IsFinished(run)};
}

absl::StatusOr<RunPosition> TakeUp(Session& session, Adam& adam, const std::string& checkpoint) {
  QH_ASSIGN_OR_RETURN(RunPosition position, ReadCheckpoint(session.Subject(&adam), checkpoint));
  if (position.split() == session.split()) return position;
  return absl::FailedPreconditionError(
      absl::StrCat("the run was begun with --split ", position.split(), ", but now it is ",
                   session.split(), ": resume with the former, or begin another --run"));
}

}  // namespace

bool IsTrained(const TrainConfig& config, const RunPosition& position) {
  const bool out_of_patience =
      config.patience() > 0 && position.evaluations_without_better() >= config.patience();
  return position.epoch() >= config.epochs() || out_of_patience;
}

absl::StatusOr<bool> ResumeRun(const TrainJob& job, Session& session, Adam& adam, RunFolder* folder,
                               TrainDisplay& display, RunPosition& position) {
  Found found;
  if (folder != nullptr) {
    QH_ASSIGN_OR_RETURN(found, LookInto(job.run));
  }
  QH_ASSIGN_OR_RETURN(
      found, BroadcastValue(session.context().comm, "checkpoint to resume from", Rank(0), found));
  if (found.step >= 0) {
    QH_ASSIGN_OR_RETURN(position, TakeUp(session, adam, CheckpointPath(job.run, found.step)));
  }
  if (found.summary && IsTrained(job.config.train(), position)) {
    const int64_t epochs = job.config.train().epochs();
    display.Say(absl::StrFormat(
        "%s is finished after epoch %d: there is nothing to carry on%s", job.run, position.epoch(),
        position.epoch() > epochs ? absl::StrCat(" to train.epochs, ", epochs, ", which it passed")
                                  : ""));
    return false;
  }
  if (folder == nullptr) return true;
  // The checkpoint is accepted: from here on the run changes.
  for (const std::string& change : folder->changes())
    display.Say(absl::StrCat("changed since the run began: ", change));
  if (found.step >= 0)
    display.Say(
        absl::StrFormat("resuming after epoch %d, step %d", position.epoch(), position.step()));
  QH_RETURN_IF_ERROR(folder->Begin());
  QH_RETURN_IF_ERROR(CarryOnFrom(job.run, found.step));
  QH_RETURN_IF_ERROR(folder->DropMetricsAfter(position.step(), position.epoch()));
  return true;
}

}  // namespace quadhop
