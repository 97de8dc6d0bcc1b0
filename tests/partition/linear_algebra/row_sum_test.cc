#include "partition/linear_algebra/row_sum.h"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <numeric>
#include <vector>

#include "core/base/rng.h"

namespace quadhop {
namespace {

constexpr int64_t kRows = 97, kIds = 300;

// What a loop of plain additions gives, in every digit.
template <typename Id>
void ExpectPlainSums(int64_t width, size_t begin, size_t end) {
  RandomStream random(7, RandomPurpose::kSynthetic, 0, static_cast<uint64_t>(width));
  std::vector<float> x(static_cast<size_t>(kRows * width));
  for (float& value : x) value = static_cast<float>(random.Normal());
  std::vector<Id> ids(kIds);
  for (Id& id : ids) id = static_cast<Id>(random.Below(kRows));
  // One value more on either side, which must stay.
  std::vector<float> y(static_cast<size_t>(width) + 2);
  std::iota(y.begin(), y.end(), 0.5f);
  std::vector<float> expected = y;
  for (size_t entry = begin; entry < end; ++entry)
    for (int64_t i = 0; i < width; ++i)
      expected[static_cast<size_t>(i) + 1] +=
          x[static_cast<size_t>(static_cast<int64_t>(ids[entry]) * width + i)];
  AddRows(absl::Span<const Id>(ids), begin, end, x.data(), width, y.data() + 1);
  EXPECT_EQ(y, expected) << "width " << width;
}

TEST(RowSum, HasTheDigitsOfPlainAdditionsForEveryWidthOnEveryInstructionSet) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    for (int64_t width = 1; width <= 300; ++width) ExpectPlainSums<uint32_t>(width, 20, 90);
    for (const int64_t width : {1, 16, 100, 128, 257}) ExpectPlainSums<int64_t>(width, 20, 90);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(RowSum, ReadsNoIdBeyondTheLast) {
  ExpectPlainSums<uint32_t>(64, 0, kIds);
  ExpectPlainSums<uint32_t>(64, kIds - 1, kIds);
  ExpectPlainSums<uint32_t>(64, 5, 5);
}

}  // namespace
}  // namespace quadhop
