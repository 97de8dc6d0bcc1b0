// The errors of a collective that all kinds of communicators have.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <cstdint>

#include "core/base/ids.h"

namespace quadhop {

// kAborted: of a call that this rank gave up (Communicator::Cancel).
absl::Status GaveUpError(absl::string_view operation);

// kDeadlineExceeded, with the setting that raises the deadline. for_whom: who did not come, and
// what to look at: "rank 3; see what held it up".
absl::Status DeadlineError(absl::string_view operation, absl::Duration deadline,
                           absl::string_view for_whom);

// kInvalidArgument if this rank is to sum another number of values than one of the others. sizes
// [R]: of each rank.
absl::Status CheckSumSizes(absl::string_view operation, Rank rank, absl::Span<const int64_t> sizes);

}  // namespace quadhop
