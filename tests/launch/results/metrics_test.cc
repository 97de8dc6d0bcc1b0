#include "launch/results/metrics.h"

#include <cmath>
#include <limits>
#include <thread>

#include "comm/collectives/gather.h"
#include "core/base/rng.h"
#include "core/store/store.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// One body a rank, each on a thread of its own.
void OnRanks(int32_t num_ranks, const std::function<void(Communicator&)>& body) {
  const auto comms = MakeThreadCommunicators(num_ranks, absl::Seconds(30));
  std::vector<std::thread> threads;
  for (const auto& comm : comms) threads.emplace_back([&] { body(*comm); });
  for (std::thread& thread : threads) thread.join();
}

TEST(LargestColumn, IsTheFirstOfEqualOnes) {
  EXPECT_EQ(LargestColumn({1.0f, 3.0f, 3.0f, 2.0f}), 1);
  EXPECT_EQ(LargestColumn({-1.0f}), 0);
}

TEST(LargestColumn, IsNoneWhereAScoreIsNotANumber) {
  EXPECT_EQ(LargestColumn({std::nanf(""), 1.0f}), kUnlabelled);
  EXPECT_EQ(LargestColumn({1.0f, std::nanf("")}), kUnlabelled);
  AccuracyCounts counts;
  const float scores[] = {std::nanf(""), std::nanf("")};
  counts.Add({scores, {1, 2}}, {0});
  EXPECT_EQ(counts.right, 0);
  EXPECT_EQ(counts.total, 1);
}

TEST(AccuracyCounts, PassOverUnlabelledNodes) {
  const float scores[] = {1, 2, /**/ 2, 1, /**/ 0, 5, /**/ 1, 1};
  const int32_t labels[] = {1, 1, kUnlabelled, 0};
  AccuracyCounts counts;
  counts.Add(TensorView<const float>(scores, {4, 2}), labels);
  EXPECT_EQ(counts.right, 2);
  EXPECT_EQ(counts.total, 3);
  EXPECT_DOUBLE_EQ(counts.Accuracy(), 2.0 / 3);
  EXPECT_TRUE(std::isnan(AccuracyCounts().Accuracy()));
}

TEST(F1Counts, GiveTheHandComputedMicroAndMacro) {
  // Column 0: TP 1, FP 1, FN 0. Column 1: TP 1, FP 0, FN 2 (the unlabelled one apart). Column 2:
  // nothing on either side.
  const float logits[] = {1, 1, -1, /**/ 1, -1, -1, /**/ -1, -1, -1, /**/ -1, 5, -1};
  const uint8_t labels[] = {1, 1, 0, /**/ 0, 1, 0, /**/ 0, 1, 0, /**/ 0, kUnlabelledMulti, 0};
  F1Counts counts(3);
  counts.Add(TensorView<const float>(logits, {4, 3}), TensorView<const uint8_t>(labels, {4, 3}));
  EXPECT_DOUBLE_EQ(counts.Micro(), 2.0 * 2 / (2 * 2 + 1 + 2));
  EXPECT_DOUBLE_EQ(counts.Macro(), (2.0 / 3 + 2.0 / 4 + 0) / 3);
}

TEST(LossSum, IsTheMeanCrossEntropyInNats) {
  LossSum loss;
  loss.AddClass({0.0f, 0.0f, 0.0f, 0.0f}, 2);      // log 4
  loss.AddClass({std::log(3.0f), 0.0f}, 0);        // -log(3/4)
  loss.AddClass({1000.0f, 1010.0f, -1000.0f}, 0);  // 10 + log(1 + e^-10)
  EXPECT_NEAR(loss.Mean(3), (std::log(4.0) + std::log(4.0 / 3) + 10.0000454) / 3, 1e-6);
}

TEST(LossSum, OfSeveralLabelsIsTheMeanOverColumnsWithoutUnknownOnes) {
  // log(1 + e^-2) for the 1, log(1 + e^2) for the 0, nothing for the third, log 2 for the last.
  LossSum loss;
  loss.AddLabels({2.0f, 2.0f, 5.0f, 0.0f}, {1, 0, kUnlabelledMulti, 1});
  EXPECT_NEAR(loss.Mean(1), (0.12692801 + 2.12692801 + 0.69314718) / 4, 1e-6);
}

TEST(LossSum, IsNoneWithoutNodesOrOfScoresThatAreNotNumbers) {
  LossSum loss;
  EXPECT_TRUE(std::isnan(loss.Mean(0)));
  loss.AddClass({1.0f, 2.0f}, 0);
  EXPECT_FALSE(std::isnan(loss.Mean(1)));
  loss.AddClass({std::nanf(""), 1.0f}, 0);
  EXPECT_TRUE(std::isnan(loss.Mean(2)));
  LossSum huge;
  huge.AddClass({1e30f, 0.0f}, 1);
  EXPECT_TRUE(std::isnan(huge.Mean(1)));
}

TEST(F1Counts, OfOneClassANodeLeaveOutClassesThatNobodyHasOrIsPredictedToHave) {
  // Class 4 is absent.
  F1Counts counts(5);
  const int32_t labels[] = {0, 0, 0, 1, 1, 2};
  const int32_t predicted[] = {0, 0, 1, 1, 3, kUnlabelled};
  for (size_t i = 0; i < 6; ++i) counts.AddClass(predicted[i], labels[i]);
  // Class 0: 2 of 2 + 0.5; class 1: 1 of 1 + 0.5 + 0.5; classes 2 and 3: none is right.
  EXPECT_DOUBLE_EQ(counts.MacroOfPresent(), (2 / 2.5 + 1 / 2.0 + 0 + 0) / 4);
  EXPECT_TRUE(std::isnan(F1Counts(2).MacroOfPresent()));
}

TEST(RocAuc, GivesTheHandComputedAreaWithTies) {
  // Pairs (positive, negative): 0.8 beats both; 0.5 ties with one and beats the other. 3.5 of 4.
  std::vector<ScoredLabel> scored = {{0.8f, 1}, {0.5f, 0}, {0.5f, 1}, {0.1f, 0}};
  EXPECT_DOUBLE_EQ(MeasureRanking(&scored).roc_auc, 3.5 / 4);
}

TEST(RocAuc, IsOneHalfIfAllScoresTieAndNoneIfALabelIsAbsent) {
  std::vector<ScoredLabel> ties = {{1, 1}, {1, 0}, {1, 0}};
  EXPECT_DOUBLE_EQ(MeasureRanking(&ties).roc_auc, 0.5);
  std::vector<ScoredLabel> positives = {{1, 1}, {2, 1}};
  EXPECT_TRUE(std::isnan(MeasureRanking(&positives).roc_auc));
  std::vector<ScoredLabel> none;
  EXPECT_TRUE(std::isnan(MeasureRanking(&none).roc_auc));
}

TEST(RocAuc, IsNoneIfAScoreIsNoNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<ScoredLabel> diverged = {{1, 1}, {nan, 0}, {0, 0}, {nan, 1}};
  EXPECT_TRUE(std::isnan(MeasureRanking(&diverged).roc_auc));
  std::vector<ScoredLabel> ordered = {{infinity, 1}, {-infinity, 0}, {0, 1}};
  EXPECT_DOUBLE_EQ(MeasureRanking(&ordered).roc_auc, 1);
}

TEST(AveragePrecision, GivesTheHandComputedMeanWithTies) {
  // From above: 0.8 is the first of one; the two of 0.5 are two of three; 0.1 is three of five.
  std::vector<ScoredLabel> scored = {{0.5f, 0}, {0.8f, 1}, {0.1f, 1}, {0.5f, 1}, {0.1f, 0}};
  EXPECT_DOUBLE_EQ(MeasureRanking(&scored).average_precision, (1 + 2.0 / 3 + 3.0 / 5) / 3);
}

TEST(AveragePrecision, IsTheShareOfPositivesIfAllScoresTieAndNoneIfALabelIsAbsent) {
  std::vector<ScoredLabel> ties = {{1, 1}, {1, 0}, {1, 0}};
  EXPECT_DOUBLE_EQ(MeasureRanking(&ties).average_precision, 1.0 / 3);
  std::vector<ScoredLabel> negatives = {{1, 0}, {2, 0}};
  EXPECT_TRUE(std::isnan(MeasureRanking(&negatives).average_precision));
}

TEST(RocAuc, EqualsTheCountOverAllPairsForAnyNumberOfRanks) {
  constexpr size_t kNodes = 300;
  std::vector<ScoredLabel> all(kNodes);
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (ScoredLabel& one : all) {
    one = {static_cast<float>(random.Next32() % 40), random.Next32() % 3 == 0 ? 1u : 0u};
  }
  double ordered = 0;
  double pairs = 0;
  for (const ScoredLabel& p : all) {
    for (const ScoredLabel& n : all) {
      if (p.positive != 1 || n.positive != 0) continue;
      pairs += 1;
      ordered += p.score > n.score ? 1 : p.score == n.score ? 0.5 : 0;
    }
  }
  for (const int32_t num_ranks : {1, 3}) {
    OnRanks(num_ranks, [&](Communicator& comm) {
      const auto cut = [&](int32_t r) {
        return kNodes * static_cast<size_t>(r) / static_cast<size_t>(num_ranks);
      };
      const int32_t rank = comm.rank().value();
      const absl::Span<const ScoredLabel> mine(all.data() + cut(rank), cut(rank + 1) - cut(rank));
      absl::StatusOr<std::vector<ScoredLabel>> gathered =
          GatherOverRanks<ScoredLabel>(comm, "scores", mine);
      ASSERT_OK(gathered);
      EXPECT_EQ(MeasureRanking(&*gathered).roc_auc, ordered / pairs);
    });
  }
}

}  // namespace
}  // namespace quadhop
