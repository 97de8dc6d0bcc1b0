// Batches whose features are exchanged between ranks: for each kind of job.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "sampler/batches/batch_loader.h"
#include "sampler/features/partitioned_feature_source.h"
#include "tests/sampler/loader_testing.h"
#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// The graph of Fixture over ranks: partitions in even runs. With four ranks or more, one of them
// has only the partition without training nodes.
class PartitionedInputs {
 public:
  PartitionedInputs(const Fixture& fixture, Communicator& comm, std::vector<GlobalId> hot)
      : pool_(1) {
    const int32_t num_ranks = comm.num_ranks();
    FeatureResidence residence;
    for (int32_t r = 0; r <= num_ranks; ++r)
      residence.rank_offsets.push_back(fixture.offsets[FirstPartition(num_ranks, r)]);
    residence.hot_nodes = std::move(hot);
    const RowReader read = [&fixture](BlockRange nodes, absl::Span<uint8_t> rows) {
      std::memcpy(rows.data(), fixture.rows.data() + nodes.begin * kHopsAndSelf * kWidth,
                  rows.size());
      return absl::OkStatus();
    };
    auto source = MakePartitionedFeatureSource({DType::kF32, nullptr, kNodes, kHopsAndSelf, kWidth},
                                               residence, read, comm, pool_);
    EXPECT_OK(source);
    source_ = *std::move(source);
    inputs_ =
        fixture.Inputs(static_cast<int32_t>(FirstPartition(num_ranks, comm.rank().value())),
                       static_cast<int32_t>(FirstPartition(num_ranks, comm.rank().value() + 1)));
    mapped_ =
        MakeMappedFeatureSource({DType::kF32, fixture.rows.data(), kNodes, kHopsAndSelf, kWidth});
    mapped_inputs_ = inputs_;
    mapped_inputs_.features = mapped_.get();  // a source of its own: one Gather at a time
    inputs_.features = source_.get();
  }
  const LoaderInputs& inputs() const { return inputs_; }
  const LoaderInputs& mapped_inputs() const { return mapped_inputs_; }

 private:
  static size_t FirstPartition(int32_t num_ranks, int32_t rank) {
    if (num_ranks == 1) return rank == 0 ? 0 : 5;
    if (num_ranks == 2) return rank == 0 ? 0 : rank == 1 ? 3 : 5;
    if (num_ranks == 3) return rank == 0 ? 0 : rank == 1 ? 2 : rank == 2 ? 4 : 5;
    return rank == 0 ? 0 : rank == num_ranks ? 5 : static_cast<size_t>(rank) + 1;
  }
  ThreadPool pool_;
  std::unique_ptr<FeatureSource> source_, mapped_;
  LoaderInputs inputs_, mapped_inputs_;
};

class PartitionedLoaderTest : public ::testing::TestWithParam<RankBackend> {
 protected:
  void Run(const std::function<void(Communicator&)>& body) {
    GetParam().run(absl::Seconds(60), body);
  }
};

INSTANTIATE_TEST_SUITE_P(Implementations, PartitionedLoaderTest,
                         ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

TEST_P(PartitionedLoaderTest, MakesTheBatchesOfMappedFeaturesInEveryKindOfPass) {
  const Fixture f;
  const std::vector<Pass> passes = {Train(1, 16),
                                    Evaluate({SplitPart::kValid}, 32),
                                    Train(2, 16),
                                    {.kind = Pass::Kind::kAllNodes, .batch = 64}};
  for (const int32_t prefetch_steps : {0, 1, 2, 4})
    for (const bool with_hot_set : {false, true})
      Run([&](Communicator& comm) {
        std::vector<GlobalId> hot;
        for (int64_t v = 0; with_hot_set && v < kNodes; v += 3) hot.emplace_back(v);
        const PartitionedInputs partitioned(f, comm, hot);
        const auto expected = RunPasses(partitioned.mapped_inputs(), Options(6), passes);
        EXPECT_TRUE(RunPasses(partitioned.inputs(), Options(6, prefetch_steps), passes) == expected)
            << prefetch_steps << " steps ahead";
      });
}

TEST_P(PartitionedLoaderTest, EndsAPassOnAllRanksAtTheAgreedStep) {
  const Fixture f;
  for (const int32_t prefetch_steps : {0, 1, 4})
    Run([&](Communicator& comm) {
      const PartitionedInputs partitioned(f, comm, {});
      ASSERT_OK_AND_ASSIGN(const auto loader,
                           BatchLoader::Create(partitioned.inputs(), Options(6, prefetch_steps)));
      for (int64_t taken : {1, 3}) {
        ASSERT_OK(loader->Start(Train(1, 4)));
        ASSERT_GT(loader->num_steps(), taken + prefetch_steps);
        for (int64_t i = 0; i < taken; ++i) ASSERT_OK(loader->Next());
        loader->EndBefore(taken + prefetch_steps);
        for (int64_t i = 0; i < prefetch_steps; ++i) {
          ASSERT_OK_AND_ASSIGN(const Batch* batch, loader->Next());
          EXPECT_NE(batch, nullptr);
        }
        ASSERT_OK_AND_ASSIGN(const Batch* end, loader->Next());
        EXPECT_EQ(end, nullptr);
      }
    });
}

TEST_P(PartitionedLoaderTest, RefusesToDropAPassThatOtherRanksWaitFor) {
  if (GetParam().num_ranks == 1) GTEST_SKIP() << "nobody waits";
  const Fixture f;
  Run([&](Communicator& comm) {
    const PartitionedInputs partitioned(f, comm, {});
    ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(partitioned.inputs(), Options(6)));
    ASSERT_OK(loader->Start(Train(1, 8)));
    ASSERT_OK(loader->Next());
    EXPECT_THAT(loader->Start(Train(2, 8)), StatusIs(absl::StatusCode::kFailedPrecondition));
  });
}

TEST_P(PartitionedLoaderTest, CanBeDestroyedWhileItWaitsForARankThatLeft) {
  if (GetParam().num_ranks == 1) GTEST_SKIP() << "nobody leaves";
  const Fixture f;
  Run([&](Communicator& comm) {
    const PartitionedInputs partitioned(f, comm, {});
    if (comm.rank().value() == 0) {
      ASSERT_OK_AND_ASSIGN(const auto loader,
                           BatchLoader::Create(partitioned.inputs(), Options(6)));
      ASSERT_OK(loader->Start(Train(1, 8)));
    }
    ASSERT_OK(comm.Barrier("after the loader"));
  });
}

TEST_P(PartitionedLoaderTest, SaysWhatWasExchanged) {
  const Fixture f;
  Run([&](Communicator& comm) {
    const PartitionedInputs partitioned(f, comm, {});
    ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(partitioned.inputs(), Options(6)));
    int64_t before = 0;
    for (const int64_t epoch : {1, 2}) {
      ASSERT_OK(loader->Start(Train(epoch, 16)));
      int64_t rows = 0;
      while (true) {
        ASSERT_OK_AND_ASSIGN(const Batch* batch, loader->Next());
        if (batch == nullptr) break;
        rows += batch->features.dim(0);
      }
      const LoaderStats stats = loader->stats();
      EXPECT_EQ(stats.traffic.rows, rows) << "of this epoch alone";
      EXPECT_EQ(stats.traffic.received_bytes,
                stats.traffic.remote_rows * kHopsAndSelf * kWidth * 4);
      EXPECT_GE(stats.exposed_wait_seconds(), 0);
      before += rows;
    }
    EXPECT_EQ(partitioned.inputs().features->traffic().rows, before);
  });
}

}  // namespace
}  // namespace quadhop
