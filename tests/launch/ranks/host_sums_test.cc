#include "launch/ranks/host_sums.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// Hosts of ranks 0 and 3, of 1 and 2, and of 4.
TEST(HostSums, AreOfTheRanksOfOnesHostAlone) {
  RunRanks(5, [](Communicator& comm) {
    const int32_t rank = comm.rank().value();
    const int32_t first = rank == 3 ? 0 : rank == 2 ? 1 : rank;
    ASSERT_OK_AND_ASSIGN(const int64_t sum, SumOnHost(comm, "sum", first, int64_t{1} << rank));
    EXPECT_EQ(sum, first == 0 ? 0b01001 : first == 1 ? 0b00110 : 0b10000);
    ASSERT_OK_AND_ASSIGN(const auto values, GatherOnHost(comm, "values", first, rank));
    EXPECT_EQ(values, first == 0   ? std::vector<int64_t>({0, 3})
                      : first == 1 ? std::vector<int64_t>({1, 2})
                                   : std::vector<int64_t>({4}));
  });
}

}  // namespace
}  // namespace quadhop
