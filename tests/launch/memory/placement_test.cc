#include "launch/memory/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "comm/collectives/communicator.h"
#include "launch/config/config_fields.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kGiga = 1000000000;

SamplerConfig Defaults() {
  SamplerConfig config;
  FillDefaults(&config);
  return config;
}

// Two ranks on a host of 100 GB, of which 80 may be used; a store of 40 GB of features and 10 of
// topology, 2 GB of work a rank.
PlacementFacts Facts() {
  PlacementFacts facts;
  facts.ranks_on_host = 2;
  facts.available_bytes = 100 * kGiga;
  facts.working_bytes = 2 * kGiga;
  facts.feature_bytes = 40 * kGiga;
  facts.own_feature_bytes = 10 * kGiga;
  facts.largest_hot_set_bytes = 31 * kGiga;
  facts.topology_bytes = 10 * kGiga;
  facts.resident_topology_bytes = [] { return 3 * kGiga; };
  return facts;
}

// The choice of rank 0 where all ranks have these facts but the last, which has `last`.
Placement ChoiceOf(const SamplerConfig& config, const PlacementFacts& facts,
                   const PlacementFacts& last) {
  Placement choice;
  RunRanks(2, [&](Communicator& comm) {
    const bool is_last = comm.rank() == Rank(1);
    ASSERT_OK_AND_ASSIGN(const Placement placement,
                         ChoosePlacement(config, is_last ? last : facts, comm));
    if (!is_last) choice = placement;
  });
  return choice;
}
Placement ChoiceOf(const SamplerConfig& config, const PlacementFacts& facts) {
  return ChoiceOf(config, facts, facts);
}

TEST(Placement, MapsAStoreThatFits) {
  const Placement choice = ChoiceOf(Defaults(), Facts());
  EXPECT_EQ(choice.features, FeaturePlacement::MAPPED);
  EXPECT_EQ(choice.topology, TopologyPlacement::MAPPED);
  EXPECT_EQ(choice.hot_set_bytes, 0);
  EXPECT_EQ(choice.resident_bytes, 0);
  EXPECT_THAT(choice.reason, HasSubstr("50.00 GB of features and topology"));
  EXPECT_THAT(choice.reason, HasSubstr("fit in 80.00 GB"));
}

TEST(Placement, PartitionsFeaturesThatDoNotFitOnSomeHost) {
  PlacementFacts small = Facts();
  small.available_bytes = 60 * kGiga;  // 48 may be used; 54 are needed
  for (const Placement& choice :
       {ChoiceOf(Defaults(), small), ChoiceOf(Defaults(), Facts(), small)}) {
    EXPECT_EQ(choice.features, FeaturePlacement::PARTITIONED);
    EXPECT_THAT(choice.reason, HasSubstr("do not fit"));
    // 2 (2 + 10 + 4) + 10 GB fit in 48, so the topology stays mapped.
    EXPECT_EQ(choice.hot_set_bytes, 4 * kGiga) << "a tenth of the rows";
    EXPECT_EQ(choice.resident_bytes, 14 * kGiga);
    EXPECT_EQ(choice.topology, TopologyPlacement::MAPPED);
  }
}

TEST(Placement, MapsFeaturesWhosePartsDoNotFitEither) {
  PlacementFacts facts = Facts();
  facts.available_bytes = 30 * kGiga;  // 24 may be used, and the parts and the work are as much
  EXPECT_EQ(ChoiceOf(Defaults(), facts).features, FeaturePlacement::PARTITIONED);
  facts.available_bytes = 29 * kGiga;
  const Placement choice = ChoiceOf(Defaults(), facts);
  EXPECT_EQ(choice.features, FeaturePlacement::MAPPED);
  for (const char* part : {"50.00 GB", "do not fit in 23.20 GB", "nor does what ranks there would",
                           "rows are read from files", "start ranks on more hosts"})
    EXPECT_THAT(choice.reason, HasSubstr(part));
  // Nor may copies of a large topology be more than there is: two beside twice 2 GB of work.
  facts.topology_bytes = 100 * kGiga;
  facts.resident_topology_bytes = [] { return 9 * kGiga; };
  EXPECT_EQ(ChoiceOf(Defaults(), facts).topology, TopologyPlacement::RESIDENT);
  facts.resident_topology_bytes = [] { return 10 * kGiga; };
  EXPECT_EQ(ChoiceOf(Defaults(), facts).topology, TopologyPlacement::MAPPED);
}

TEST(Placement, RowsThatAGpuHasNoRoomForAreLockedWhereTheHostsMemoryHoldsThem) {
  PlacementFacts facts = Facts();
  facts.ranks_on_host = 2;
  facts.feature_bytes = 40 * kGiga;
  facts.forecast_bytes = 5 * kGiga;
  facts.available_bytes = 50 * kGiga;
  EXPECT_OK(CheckLockedRows(facts));
  facts.available_bytes = 49 * kGiga;
  const absl::Status refused = CheckLockedRows(facts);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  for (const char* part : {"50.00 GB", "49.00 GB", "sampler.backend=CPU"})
    EXPECT_THAT(std::string(refused.message()), HasSubstr(part));
}

TEST(Placement, CountsWhatChoosingAHotSetTakesAndLeavesItOutIfThatIsTooMuch) {
  PlacementFacts facts = Facts();
  facts.available_bytes = 60 * kGiga;  // 24 of a rank
  facts.forecast_bytes = 20 * kGiga;
  Placement choice = ChoiceOf(Defaults(), facts);
  EXPECT_EQ(choice.hot_set_bytes, 4 * kGiga);
  // 2 x 20 + 10 GB do not fit in 48: the topology is kept by parts, beside the forecast too.
  EXPECT_EQ(choice.topology, TopologyPlacement::RESIDENT);
  EXPECT_EQ(choice.forecast_bytes, 23 * kGiga);
  facts.forecast_bytes = 25 * kGiga;
  choice = ChoiceOf(Defaults(), facts);
  EXPECT_EQ(choice.hot_set_bytes, 0);
  EXPECT_EQ(choice.forecast_bytes, 0);
  EXPECT_THAT(choice.reason, HasSubstr("no hot set, as choosing one takes 25.00 GB of a rank's "
                                       "24.00 GB"));
}

TEST(Placement, KeepsTheTopologyInMemoryOnlyIfItIsLessThanTheWhole) {
  PlacementFacts facts = Facts();
  facts.available_bytes = 40 * kGiga;  // 32 may be used
  EXPECT_EQ(ChoiceOf(Defaults(), facts).topology, TopologyPlacement::RESIDENT);
  EXPECT_EQ(ChoiceOf(Defaults(), facts).resident_bytes, 10 * kGiga + 2 * kGiga + 3 * kGiga)
      << "the hot set is half of what is left";
  facts.resident_topology_bytes = [] { return 6 * kGiga; };
  EXPECT_EQ(ChoiceOf(Defaults(), facts).topology, TopologyPlacement::MAPPED);
}

TEST(Placement, MapsFeaturesThatOneRankOrNoSampleNeeds) {
  PlacementFacts facts = Facts();
  facts.available_bytes = 10 * kGiga;
  facts.samples = false;
  EXPECT_EQ(ChoiceOf(Defaults(), facts).features, FeaturePlacement::MAPPED);
  facts.samples = true;
  facts.ranks_on_host = 1;
  const auto solo = MakeSoloCommunicator();
  ASSERT_OK_AND_ASSIGN(const Placement choice, ChoosePlacement(Defaults(), facts, *solo));
  EXPECT_EQ(choice.features, FeaturePlacement::MAPPED);
  EXPECT_THAT(choice.reason, HasSubstr("take 3.00 GB for 1 rank here, the whole 10.00 GB"));
  EXPECT_THAT(choice.reason, HasSubstr("one rank needs them all, and 50.00 GB"));
  EXPECT_THAT(choice.reason, HasSubstr("rows are read from files"));
}

// Of which one alone would have other ranks of its host choose otherwise.
TEST(Placement, TheRanksOfAHostAddUpWhatEachNeedsAndChooseAlike) {
  PlacementFacts light = Facts(), heavy = Facts();
  light.working_bytes = 1 * kGiga;
  heavy.working_bytes = 28 * kGiga;
  const auto choices = [&] {
    std::array<Placement, 2> chosen;
    RunRanks(2, [&](Communicator& comm) {
      ASSERT_OK_AND_ASSIGN(
          chosen[static_cast<size_t>(comm.rank().value())],
          ChoosePlacement(Defaults(), comm.rank() == Rank(1) ? heavy : light, comm));
    });
    return chosen;
  };
  // 50 of the store and 29 of work fit in 80; 50 and twice 28 would not.
  for (const Placement& choice : choices()) {
    EXPECT_EQ(choice.features, FeaturePlacement::MAPPED);
    EXPECT_EQ(choice.topology, TopologyPlacement::MAPPED);
    EXPECT_THAT(choice.reason, HasSubstr("29.00 GB of work of 2 ranks on this host"));
  }
  // Beside 31 of work and 20 of rows, 10 of topology do not fit in 60; on two ranks as light as the
  // one they would. Copies of 3 and 4 are less than the whole.
  light.available_bytes = 75 * kGiga;
  heavy.available_bytes = 80 * kGiga;
  heavy.working_bytes = 30 * kGiga;
  heavy.resident_topology_bytes = [] { return 4 * kGiga; };
  for (const Placement& choice : choices()) {
    EXPECT_EQ(choice.features, FeaturePlacement::PARTITIONED);
    EXPECT_EQ(choice.topology, TopologyPlacement::RESIDENT);
    EXPECT_THAT(choice.reason, HasSubstr("copies of what is needed take 7.00 GB for 2 ranks"));
  }
  heavy.resident_topology_bytes = [] { return 8 * kGiga; };
  for (const Placement& choice : choices())
    EXPECT_EQ(choice.topology, TopologyPlacement::MAPPED) << "the copies are 11 of 10";
}

TEST(Placement, DoesAsTheConfigSays) {
  SamplerConfig config = Defaults();
  config.set_feature_placement(FeaturePlacement::PARTITIONED);
  config.set_topology_placement(TopologyPlacement::RESIDENT);
  config.set_hot_set_bytes(kGiga);
  Placement choice = ChoiceOf(config, Facts());
  EXPECT_EQ(choice.features, FeaturePlacement::PARTITIONED);
  EXPECT_EQ(choice.topology, TopologyPlacement::RESIDENT);
  EXPECT_EQ(choice.hot_set_bytes, kGiga);
  EXPECT_EQ(choice.resident_bytes, 14 * kGiga);
  EXPECT_THAT(choice.reason, HasSubstr("as the config says"));
  config.set_hot_set_bytes(100 * kGiga);
  EXPECT_EQ(ChoiceOf(config, Facts()).hot_set_bytes, 31 * kGiga) << "no more than there is";
}

}  // namespace
}  // namespace quadhop
