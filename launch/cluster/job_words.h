// The command line of a job that is launched.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>
#include <vector>

namespace quadhop {

// A command of quadhop with its flags, as it stands on a command line: "train", "--store", ...
using JobWords = std::vector<std::string>;

// Whether `job` can be resumed after it ends.
inline bool IsTraining(absl::Span<const std::string> job) { return job[0] == "train"; }

// The value of --name in `job`; "" if it is not there.
std::string FlagOfJob(absl::Span<const std::string> job, absl::string_view name);

// `job` without --name and its value.
JobWords WithoutFlag(absl::Span<const std::string> job, absl::string_view name);

// Whether the switch --name is in `job`.
bool HasSwitch(absl::Span<const std::string> job, absl::string_view name);

// `job` as it is resumed: with --resume, without --overwrite.
JobWords WithResume(absl::Span<const std::string> job);

}  // namespace quadhop
