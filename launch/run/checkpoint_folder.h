// RUN/checkpoints/: the checkpoints of a run by the steps done, and which are best and latest.
//
//   step-0000000120/   after so many steps (model/checkpoint/checkpoint.h)
//   step-...tmp, .old  of a write that was cut short (model/checkpoint/checkpoint_writer.h)
//   damaged-step-...   set aside when a run was resumed from an older one
//   damaged-latest     or -best: set aside where a copy of the run had a folder instead of a link
//   latest, best       symbolic links to the newest, and to the best on the validation
//                      nodes; files that contain those names if there are no links
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

std::string CheckpointPath(const std::string& run, int64_t step);
std::string BestCheckpointPath(const std::string& run);
std::string LatestCheckpointPath(const std::string& run);

// The steps that have a checkpoint's folder or file in RUN/checkpoints, ascending, intact or not.
// Names that are not a checkpoint's (such as those that end in .tmp) are skipped. Empty if there is
// no such folder; an error if it cannot be listed.
absl::StatusOr<std::vector<int64_t>> ListCheckpointSteps(const std::string& run);

// The path of a checkpoint of a run: `which` is "best", "latest" or a number of steps; links are
// not needed. kNotFound names the checkpoints there are; kInvalidArgument if `which` is none of
// these.
absl::StatusOr<std::string> FindCheckpoint(const std::string& run, const std::string& which);

// The newest checkpoint whose every checksum is right.
struct NewestIntact {
  int64_t step = -1;                 // -1: the run has no checkpoint at all
  std::vector<std::string> damaged;  // what is wrong with those that are newer
};
// kDataLoss, naming all damage, if there are checkpoints but none is intact. kFailedPrecondition if
// one newer than all intact ones is of another version.
absl::StatusOr<NewestIntact> FindNewestIntact(const std::string& run);

// Puts back a checkpoint that a write, cut short while replacing it, left as step-...old.
absl::Status RestoreReplaced(const std::string& run);

// Turns latest and best back into links if they are folders, as in a copy of the run that was made
// following links. One that is not a checkpoint becomes damaged-latest or damaged-best.
absl::Status ReplaceCopiesByLinks(const std::string& run);

// For a run that carries on from the checkpoint after `step` steps (-1: from none): renames newer
// ones, which are damaged, to damaged-step-..., links latest to this one and best to the best that
// this one knows of, and removes what was left by writes that were cut short.
absl::Status CarryOnFrom(const std::string& run, int64_t step);

// Called when the checkpoint after `step` steps is written: makes the newest one the latest, and
// this one the best if `best`; then removes all but the `keep` newest, this one and the best. Each
// link is replaced atomically.
absl::Status PublishCheckpoint(const std::string& run, int64_t step, bool best, int64_t keep);

// Removes the checkpoints of a run, damaged and half-written ones too, and the links. Files that
// are not part of a checkpoint stay, and so does their folder.
absl::Status RemoveCheckpoints(const std::string& run);

}  // namespace quadhop
