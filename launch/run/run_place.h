// Which folders runs may stand in: nobody's files are mixed with those of a run.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

namespace quadhop {

// Whether `run` may be the folder of a run: kFailedPrecondition if it cannot be made or written, or
// if it is neither empty nor one that a run has begun, naming what it is.
absl::Status CheckMayHoldARun(const std::string& run);

// Whether one of the runs over seeds or splits, or a folder of such, may stand in the folder as
// `run` ("seed-3", "split-NAME"): kFailedPrecondition, saying what the folder is or holds, if it is
// neither new, nor empty, nor has others of that kind alone.
absl::Status CheckFolderOfRuns(const std::string& folder, absl::string_view run);

}  // namespace quadhop
