#include "comm/collectives/collective_errors.h"

#include <absl/strings/str_cat.h>

namespace quadhop {

absl::Status GaveUpError(absl::string_view operation) {
  return absl::AbortedError(absl::StrCat(operation, ": this rank gave it up"));
}

absl::Status DeadlineError(absl::string_view operation, absl::Duration deadline,
                           absl::string_view for_whom) {
  return absl::DeadlineExceededError(
      absl::StrCat(operation, ": waited ", absl::ToDoubleSeconds(deadline), " s for ", for_whom,
                   ", or raise train.collective_deadline_seconds"));
}

absl::Status CheckSumSizes(absl::string_view operation, Rank rank,
                           absl::Span<const int64_t> sizes) {
  const int64_t size = sizes[static_cast<size_t>(rank.value())];
  for (size_t r = 0; r < sizes.size(); ++r)
    if (sizes[r] != size)
      return absl::InvalidArgumentError(absl::StrCat(operation, ": rank ", rank.value(), " sums ",
                                                     size, " values but rank ", r, " sums ",
                                                     sizes[r], "; these must be equal"));
  return absl::OkStatus();
}

}  // namespace quadhop
