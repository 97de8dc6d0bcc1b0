// RUN/checkpoints/: the checkpoints of a run by the steps done, and which are best and latest.
//
//   step-0000000120/   after so many steps (model/checkpoint/checkpoint.h)
//   step-...tmp, .old  of a write that was cut short (model/checkpoint/checkpoint_writer.h)
//   damaged-step-...   set aside when a run was resumed from an older one
//   damaged-latest     or -best: set aside where a copy of the run had a folder for a link
//   latest, best       symbolic links to the one written last, and to the best on the validation
//                      nodes; files with their names where there are no links
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

// Steps that have a checkpoint's folder or file in RUN/checkpoints, ascending, whether or not it is
// intact. Names that are not a checkpoint's (also those that end in .tmp) are passed over. None
// where there is no such folder; an error where it cannot be listed.
absl::StatusOr<std::vector<int64_t>> ListCheckpointSteps(const std::string& run);

// The path of a checkpoint of a run: `which` is "best", "latest" or a number of steps; links are
// not needed for it. kNotFound names those there are; kInvalidArgument if `which` is none of these.
absl::StatusOr<std::string> FindCheckpoint(const std::string& run, const std::string& which);

// The newest checkpoint whose every checksum is right.
struct NewestIntact {
  int64_t step = -1;                 // -1: the run has no checkpoint at all
  std::vector<std::string> damaged;  // what is wrong with those that are newer
};
// kDataLoss, naming all damage, if there are checkpoints but none is intact. kFailedPrecondition if
// one as new is of another version.
absl::StatusOr<NewestIntact> FindNewestIntact(const std::string& run);

// Puts back what a write that was cut short while it replaced a checkpoint left as step-...old.
absl::Status RestoreReplaced(const std::string& run);

// Makes links again of latest and best where they are folders, as in a copy of the run for which
// links were followed. One that is no checkpoint becomes damaged-latest or damaged-best.
absl::Status ReplaceCopiesByLinks(const std::string& run);

// For a run that carries on from the checkpoint after `step` steps (-1: from none): newer ones,
// which are damaged, become damaged-step-..., the latest is this one, the best that which this one
// knows, and what writes that were cut short left is removed.
absl::Status CarryOnFrom(const std::string& run, int64_t step);

// The checkpoint after `step` steps is written: makes the newest one the latest, and if `best` this
// one the best; then removes all but the `keep` newest, this one and the best. Each link is
// replaced atomically.
absl::Status PublishCheckpoint(const std::string& run, int64_t step, bool best, int64_t keep);

// Removes the checkpoints of a run, damaged and half-written ones too, and the links. Files that a
// checkpoint does not write stay, and so then does their folder.
absl::Status RemoveCheckpoints(const std::string& run);

}  // namespace quadhop
