// What the ranks of one host have together: memory is a host's, not a rank's.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <vector>

#include "comm/collectives/communicator.h"

namespace quadhop {

// The values of the ranks of this host, in the order of ranks. first_rank_on_host: see RankContext.
// Collective over the ranks of all hosts. Errors are the communicator's.
absl::StatusOr<std::vector<int64_t>> GatherOnHost(Communicator& comm, absl::string_view operation,
                                                  int32_t first_rank_on_host, int64_t mine);
// Their sum, likewise.
absl::StatusOr<int64_t> SumOnHost(Communicator& comm, absl::string_view operation,
                                  int32_t first_rank_on_host, int64_t mine);

}  // namespace quadhop
