#include "partition/import/formats/node_ids.h"

#include <algorithm>
#include <vector>

#include "core/base/status.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

// Distinct, and as far apart as hashes.
int64_t Hash(int64_t i) {
  return static_cast<int64_t>((static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15) >> 1);
}

absl::StatusOr<NodeIds> IdsWithin(int64_t max_bytes, int64_t count) {
  NodeIds::Range range;
  for (int64_t i = 0; i < count; ++i) range.Include(Hash(i));
  QH_ASSIGN_OR_RETURN(NodeIds ids, NodeIds::Make(range, "e.txt", max_bytes));
  for (int repeat = 0; repeat < 2; ++repeat)
    for (int64_t i = 0; i < count; ++i) QH_RETURN_IF_ERROR(ids.Add({Hash(i)}));
  QH_RETURN_IF_ERROR(ids.Number());
  return ids;
}

TEST(NodeIds, NumbersHashesInTheirOrder) {
  constexpr int64_t kCount = 100000;
  ASSERT_OK_AND_ASSIGN(const NodeIds ids, IdsWithin(int64_t{64} << 20, kCount));
  EXPECT_EQ(ids.num_nodes(), kCount);
  EXPECT_FALSE(ids.contiguous());
  std::vector<int64_t> sorted;
  for (int64_t i = 0; i < kCount; ++i) sorted.push_back(Hash(i));
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < kCount; i += 997)
    EXPECT_EQ(ids.NodeOf(sorted[static_cast<size_t>(i)]), i);
}

TEST(NodeIds, RefusesMoreThanMemoryHolds) {
  EXPECT_THAT(IdsWithin(1000 * 32, 1001),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("e.txt: node ids go from 0 to"), HasSubstr("than 1000:"),
                             HasSubstr("--memory"))));
}

}  // namespace
}  // namespace quadhop
