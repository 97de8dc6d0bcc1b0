// Which folders runs may stand in: a run's files are not mixed with anybody else's.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

namespace quadhop {

// Whether `run` may be the folder of a run: kFailedPrecondition if it cannot be made or written, or
// if it is neither empty nor one that a run has begun, naming what it is.
absl::Status CheckMayHoldARun(const std::string& run);

// Whether a run over seeds or splits, or a folder of such runs, may stand in `folder` as `run`
// ("seed-3", "split-NAME"): kFailedPrecondition, saying what the folder is or holds, unless it is
// new, is empty or holds only other runs of that kind.
absl::Status CheckFolderOfRuns(const std::string& folder, absl::string_view run);

}  // namespace quadhop
