#include "partition/import/target/random_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "core/store/store.h"

namespace quadhop {
namespace {

using testing::ElementsAre;

// Of each class, the nodes of the parts none, train, valid and test.
std::map<int32_t, std::array<int64_t, 4>> SizesOf(const std::vector<int32_t>& classes,
                                                  const std::vector<uint8_t>& parts) {
  std::map<int32_t, std::array<int64_t, 4>> sizes;
  for (size_t v = 0; v < classes.size(); ++v) ++sizes[classes[v]][parts[v]];
  return sizes;
}

std::vector<int64_t> Keys(size_t count) {
  std::vector<int64_t> keys(count);
  std::iota(keys.begin(), keys.end(), int64_t{0});
  return keys;
}

TEST(SplitOfClasses, GivesEachClassItsShareOfEveryPart) {
  std::vector<int32_t> classes(1000, 0);
  for (size_t v = 0; v < classes.size(); v += 20) classes[v] = 1;  // 50
  for (size_t v = 7; v < classes.size(); v += 10) classes[v] = kUnlabelled;
  const std::vector<uint8_t> parts = SplitOfClasses(classes, Keys(1000), 1);
  auto sizes = SizesOf(classes, parts);
  EXPECT_THAT(sizes[0], ElementsAre(0, 510, 170, 170));
  EXPECT_THAT(sizes[1], ElementsAre(0, 30, 10, 10));
  EXPECT_THAT(sizes[kUnlabelled], ElementsAre(100, 0, 0, 0));
  EXPECT_NE(parts, SplitOfClasses(classes, Keys(1000), 2));
}

TEST(SplitOfClasses, GivesAllTogetherTheirSharesHoweverSmallClassesAre) {
  std::vector<int32_t> classes;
  for (int32_t c = 0; c < 100; ++c)
    for (int32_t i = 0; i <= c % 4; ++i) classes.push_back(c);  // 250 nodes, 1 to 4 of a class
  std::array<int64_t, 4> all{};
  for (const auto& [c, sizes] : SizesOf(classes, SplitOfClasses(classes, Keys(250), 0)))
    for (size_t part = 0; part < 4; ++part) {
      all[part] += sizes[part];
      const double share = part == 0 ? 0 : part == 1 ? 0.6 : 0.2;
      EXPECT_LT(std::abs(static_cast<double>(sizes[part]) - share * (c % 4 + 1)), 2) << c;
    }
  EXPECT_THAT(all, ElementsAre(0, 150, 50, 50));
  EXPECT_THAT(SizesOf({7}, SplitOfClasses({7}, Keys(1), 0))[7], ElementsAre(0, 1, 0, 0));
  EXPECT_TRUE(SplitOfClasses({}, {}, 0).empty());
}

TEST(SplitOfClasses, MostNodesKeepTheirPartsWhereOthersAreAddedOrStandInAnotherOrder) {
  constexpr size_t kBefore = 1000, kNow = 1200;
  const std::vector<int32_t> classes(kNow, 0);
  std::vector<int64_t> turned = Keys(kNow);
  std::reverse(turned.begin(), turned.end());
  const std::vector<uint8_t> before =
      SplitOfClasses(absl::MakeSpan(classes).first(kBefore), Keys(kBefore), 3);
  const std::vector<uint8_t> now = SplitOfClasses(classes, turned, 3);
  int64_t changed = 0;
  for (size_t v = 0; v < kBefore; ++v) changed += before[v] != now[kNow - 1 - v];
  EXPECT_LT(changed, 40);  // by another draw, 560
}

}  // namespace
}  // namespace quadhop
