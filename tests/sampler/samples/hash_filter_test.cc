#include "sampler/samples/hash_filter.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/rng.h"

namespace quadhop {
namespace {

// Rows of every length from 0 to 80, and a long one; wide ids pass 2^32.
template <typename Index>
std::vector<std::vector<Index>> MakeRows() {
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  std::vector<std::vector<Index>> rows;
  for (size_t size = 0; size <= 81; ++size) {
    rows.emplace_back(size == 81 ? 5000 : size);
    for (Index& id : rows.back())
      id = static_cast<Index>(random.Next64() >> (sizeof(Index) == 4 ? 32 : 20));
  }
  return rows;
}

template <typename Index>
void ExpectFilteredAsByScalarCode(size_t out_size, uint32_t limit) {
  const auto lists = MakeRows<Index>();
  const EntryKey key = MakeEntryKey(123, 2);
  std::vector<NeighbourRow<Index>> rows;
  std::multiset<Index> all;
  std::set<Index> expected;
  for (const auto& list : lists) {
    rows.push_back({list.data(), static_cast<int64_t>(list.size())});
    for (Index id : list) {
      all.insert(id);
      if (EntryHashUpper(key, static_cast<uint64_t>(id)) <= limit) expected.insert(id);
    }
  }
  std::set<Index> actual;
  std::vector<Index> out(out_size);
  RowCursor cursor;
  for (int calls = 0; cursor.row < rows.size(); ++calls) {
    ASSERT_LT(calls, 100000) << "no progress";
    const size_t count = FilterRows(rows, key, limit, cursor, absl::MakeSpan(out));
    ASSERT_LE(count, out.size());
    actual.insert(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
  }
  EXPECT_EQ(actual, expected);
}

TEST(HashFilter, KeepsTheSameIdsOnEveryInstructionSet) {
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    for (size_t out_size : {kFilterBlock, size_t{1024}})
      for (uint32_t limit : {0u, 1u << 24, 1u << 31, 0xFFFFFFFFu}) {
        ExpectFilteredAsByScalarCode<uint32_t>(out_size, limit);
        ExpectFilteredAsByScalarCode<int64_t>(out_size, limit);
      }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace
}  // namespace quadhop
