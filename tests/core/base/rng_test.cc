#include "core/base/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace quadhop {
namespace {

using Words4 = std::array<uint32_t, 4>;

// Philox4x32-10 with the whole counter and key, from figure 3 and section 4.2 of the paper: S-boxes
// of the product's halves, keys raised by the Weyl constants.
Words4 PaperPhilox(Words4 c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = c[0] * uint64_t{0xD2511F53};
    const uint64_t second = c[2] * uint64_t{0xCD9E8D57};
    c = {static_cast<uint32_t>((second >> 32) ^ c[1] ^ key[0]), static_cast<uint32_t>(second),
         static_cast<uint32_t>((first >> 32) ^ c[3] ^ key[1]), static_cast<uint32_t>(first)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return c;
}

// The vectors of Random123's kat_vectors, philox 4 32 10.
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(Philox4x32(0, 0), (Words4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(PaperPhilox({0, 0, 0, 0}, {0, 0}),
            (Words4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(PaperPhilox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(PaperPhilox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, PutsTheCounterInTheLowWordsAndTheKeyInTheKey) {
  uint64_t x = 1;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t key = x = Mix64(x), counter = x = Mix64(x);
    const Words4 expected =
        PaperPhilox({static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0},
                    {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
    ASSERT_EQ(Philox4x32(key, counter), expected);
  }
}

// The first outputs of SplitMix64 seeded with 0 are Mix64 of 0, g, 2g with g its increment (Vigna's
// splitmix64.c).
TEST(Mix64, IsSplitMix64) {
  EXPECT_EQ(Mix64(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(Mix64(0x9E3779B97F4A7C15u), 0x6E789E6AA1B965F4u);
}

TEST(RandomStream, ReadsTheBlocksOfItsKeyInOrder) {
  RandomStream stream(42);
  for (uint64_t block = 0; block < 3; ++block) {
    for (const uint32_t word : Philox4x32(42, block)) EXPECT_EQ(stream.Next32(), word);
  }
}

TEST(RandomStream, DiffersInEveryPartOfItsPlace) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (const RandomPurpose purpose :
         {RandomPurpose::kSample, RandomPurpose::kWeights, RandomPurpose::kTest}) {
      for (uint64_t major = 0; major < 8; ++major) {
        for (uint64_t minor = 0; minor < 8; ++minor)
          first.insert(RandomStream(seed, purpose, major, minor).Next64());
      }
    }
  }
  EXPECT_EQ(first.size(), 4u * 3 * 8 * 8);
}

TEST(RandomStream, ACopyReadsOnFromWhereItStands) {
  RandomStream stream(7);
  stream.Next32();
  RandomStream copy = stream;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(copy.Next32(), stream.Next32());
}

TEST(RandomStream, BelowIsUniform) {
  constexpr int kBound = 7, kDraws = 70000;
  std::vector<int> counts(kBound, 0);
  RandomStream stream(3, RandomPurpose::kTest, 0, 0);
  for (int i = 0; i < kDraws; ++i) ++counts[stream.Below(kBound)];
  // Each count is binomial with mean 10000 and deviation sqrt(10000 * 6/7) = 93: 5 deviations.
  for (const int count : counts) EXPECT_NEAR(count, kDraws / kBound, 5 * 93);
}

TEST(RandomStream, BelowStaysBelowAtTheEdges) {
  RandomStream stream(5);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(stream.Below(1), 0u);
    const uint64_t large = (uint64_t{1} << 63) + 1;  // almost every second draw is rejected here
    EXPECT_LT(stream.Below(large), large);
  }
}

TEST(RandomStream, UniformIsInTheUnitIntervalWithItsMoments) {
  constexpr int kDraws = 100000;
  RandomStream stream(9, RandomPurpose::kTest, 0, 0);
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.Uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  // Deviations of U and U^2 are sqrt(1/12) and sqrt(4/45): 5 standard errors.
  EXPECT_NEAR(sum / kDraws, 1.0 / 2, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kDraws));
}

TEST(RandomStream, SkipsNormalsAsIfTheyHadBeenDrawn) {
  for (const int words_before : {0, 1, 4, 7}) {
    RandomStream drawn(1, RandomPurpose::kTest, 2, 3);
    for (int i = 0; i < words_before; ++i) drawn.Next32();
    RandomStream skipped = drawn;
    for (int i = 0; i < 5; ++i) drawn.Normal();
    skipped.SkipNormals(5);
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(skipped.Next32(), drawn.Next32()) << words_before << " before, " << i << " after";
  }
}

// Kolmogorov-Smirnov against the error function; P(D > 1.95 / sqrt(n)) = 0.001, and the seed is
// fixed.
TEST(RandomStream, NormalHasTheNormalDistribution) {
  constexpr int kDraws = 100000;
  std::vector<double> draws;
  RandomStream stream(11, RandomPurpose::kTest, 0, 0);
  for (int i = 0; i < kDraws; ++i) draws.push_back(stream.Normal());
  std::sort(draws.begin(), draws.end());
  double distance = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double cumulative = 0.5 * std::erfc(-draws[static_cast<size_t>(i)] / std::sqrt(2.0));
    distance = std::max({distance, std::fabs(cumulative - i / double{kDraws}),
                         std::fabs(cumulative - (i + 1) / double{kDraws})});
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(kDraws));
}

}  // namespace
}  // namespace quadhop
