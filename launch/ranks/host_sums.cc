#include "launch/ranks/host_sums.h"

#include <array>
#include <numeric>

#include "comm/collectives/gather.h"
#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<std::vector<int64_t>> GatherOnHost(Communicator& comm, absl::string_view operation,
                                                  int32_t first_rank_on_host, int64_t mine) {
  using FirstRankAndValue = std::array<int64_t, 2>;
  QH_ASSIGN_OR_RETURN(const std::vector<FirstRankAndValue> all,
                      GatherOne(comm, operation, FirstRankAndValue{first_rank_on_host, mine}));
  std::vector<int64_t> here;
  for (const auto& [first_rank, value] : all)
    if (first_rank == first_rank_on_host) here.push_back(value);
  return here;
}

absl::StatusOr<int64_t> SumOnHost(Communicator& comm, absl::string_view operation,
                                  int32_t first_rank_on_host, int64_t mine) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> here,
                      GatherOnHost(comm, operation, first_rank_on_host, mine));
  return std::accumulate(here.begin(), here.end(), int64_t{0});
}

}  // namespace quadhop
