#include "comm/sums/partition_owners.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/status.h"

namespace quadhop {
namespace {

absl::Status CheckCosts(absl::Span<const double> cost, int32_t num_ranks) {
  if (num_ranks < 1 || static_cast<size_t>(num_ranks) > cost.size())
    return absl::InvalidArgumentError(
        absl::StrCat(num_ranks, " ranks for ", cost.size(), " partitions; start 1 to ", cost.size(),
                     " ranks, or cut the store into more parts (quadhop partition --parts)"));
  for (size_t p = 0; p < cost.size(); ++p)
    if (!std::isfinite(cost[p]) || cost[p] < 0)
      return absl::InvalidArgumentError(absl::StrCat("partition ", p, " has cost ", cost[p],
                                                     "; costs must be finite and not negative"));
  return absl::OkStatus();
}

}  // namespace

// largest[r][p]: the least possible cost of the largest of r runs that cover the first p partitions
//              = min over q of max(largest[r-1][q], cost of [q, p)).
// The first grows with q and the second falls, so the best q is where they cross, and the crossing
// moves on with p: O(R P) in all.
absl::StatusOr<PartitionOwners> PartitionOwners::Split(absl::Span<const double> cost,
                                                       int32_t num_ranks) {
  QH_RETURN_IF_ERROR(CheckCosts(cost, num_ranks));
  const size_t num_partitions = cost.size();
  const size_t ranks = static_cast<size_t>(num_ranks);
  std::vector<double> before(num_partitions + 1, 0.0);  // cost of all partitions before p
  for (size_t p = 0; p < num_partitions; ++p) before[p + 1] = before[p] + cost[p];

  std::vector<double> largest = before;                   // of one run
  std::vector<std::vector<int32_t>> last_run(ranks + 1);  // [r][p]: where the last of r runs begins
  last_run[1].assign(num_partitions + 1, 0);
  for (size_t r = 2; r <= ranks; ++r) {
    std::vector<double> next(num_partitions + 1, std::numeric_limits<double>::infinity());
    last_run[r].assign(num_partitions + 1, 0);
    size_t q = r - 1;
    for (size_t p = r; p <= num_partitions; ++p) {
      const auto largest_if = [&](size_t begin) {
        return std::max(largest[begin], before[p] - before[begin]);
      };
      while (q + 1 < p && largest_if(q + 1) <= largest_if(q)) ++q;
      next[p] = largest_if(q);
      last_run[r][p] = static_cast<int32_t>(q);
    }
    largest = std::move(next);
  }

  PartitionOwners owners;
  owners.first.resize(ranks + 1);
  owners.first[ranks] = static_cast<int32_t>(num_partitions);
  for (size_t r = ranks; r > 0; --r)
    owners.first[r - 1] = last_run[r][static_cast<size_t>(owners.first[r])];
  return owners;
}

}  // namespace quadhop
