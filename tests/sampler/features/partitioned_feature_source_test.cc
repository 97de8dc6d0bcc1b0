// The partitioned source against the mapped one: for each kind of job.
#include "sampler/features/partitioned_feature_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/graphs.h"
#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNodes = 300, kHopsAndSelf = 3, kWidth = 5;

// A table of bits that are finite floats in every dtype, and the runs of ranks that own its rows:
// of unequal length, the second empty where there are three ranks or more.
class Table {
 public:
  explicit Table(DType dtype) {
    const int64_t size = kNodes * kHopsAndSelf * kWidth;
    std::vector<float> values;
    for (int64_t i = 0; i < size; ++i)
      values.push_back(static_cast<float>((i * 37) % 250 - 125) / 8);
    bytes_.resize(static_cast<size_t>(size * SizeOfDType(dtype)));
    if (dtype == DType::kF32)
      std::memcpy(bytes_.data(), values.data(), bytes_.size());
    else
      ConvertFromFloat(dtype, values.data(), size, bytes_.data());
    table_ = {dtype, bytes_.data(), kNodes, kHopsAndSelf, kWidth};
  }
  const FeatureTable& table() const { return table_; }
  FeatureTable shape() const {
    FeatureTable shape = table_;
    shape.data = nullptr;
    return shape;
  }
  RowReader Reader() const {
    return [this](BlockRange nodes, absl::Span<uint8_t> rows) {
      EXPECT_EQ(static_cast<int64_t>(rows.size()), (nodes.end - nodes.begin) * table_.row_bytes());
      std::memcpy(rows.data(), bytes_.data() + nodes.begin * table_.row_bytes(), rows.size());
      return absl::OkStatus();
    };
  }
  static std::vector<int64_t> RankOffsets(int32_t num_ranks) {
    std::vector<int64_t> offsets(static_cast<size_t>(num_ranks) + 1, kNodes);
    offsets[0] = 0;
    for (size_t r = 1; r + 1 < offsets.size(); ++r) offsets[r] = r <= 2 ? 70 : 200;
    return offsets;
  }

 private:
  std::vector<uint8_t> bytes_;
  FeatureTable table_;
};

std::vector<GlobalId> DistinctNodes(uint64_t key, int64_t count) {
  std::vector<GlobalId> nodes;
  for (int64_t v = 0; v < kNodes; ++v) nodes.emplace_back(v);
  std::sort(nodes.begin(), nodes.end(), [&](GlobalId a, GlobalId b) {
    return Mix64(key ^ static_cast<uint64_t>(a.value())) <
           Mix64(key ^ static_cast<uint64_t>(b.value()));
  });
  nodes.resize(static_cast<size_t>(count));
  return nodes;
}

class PartitionedFeatureSourceTest : public ::testing::TestWithParam<RankBackend> {
 protected:
  void Run(const std::function<void(Communicator&)>& body) {
    GetParam().run(absl::Seconds(60), body);
  }
};

INSTANTIATE_TEST_SUITE_P(Implementations, PartitionedFeatureSourceTest,
                         ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

TEST_P(PartitionedFeatureSourceTest, GathersTheRowsThatTheMappedTableHas) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16})
    for (const int64_t num_hot : {0, 40, 300})
      Run([&](Communicator& comm) {
        const Table table(dtype);
        ThreadPool pool(2);
        const auto rank = static_cast<uint64_t>(comm.rank().value());
        ASSERT_OK_AND_ASSIGN(const auto source,
                             MakePartitionedFeatureSource(table.shape(),
                                                          {Table::RankOffsets(comm.num_ranks()),
                                                           DistinctNodes(90 + rank, num_hot)},
                                                          table.Reader(), comm, pool));
        const auto mapped = MakeMappedFeatureSource(table.table());
        for (uint64_t step = 0; step < 12; ++step) {
          // Some ranks want nothing in some steps.
          const auto count = static_cast<int64_t>(Mix64(step * 8 + rank) % 4) * 50;
          const std::vector<GlobalId> nodes = DistinctNodes(step * 8 + rank, count);
          Tensor<float> got({count, kHopsAndSelf, kWidth}), expected({count, kHopsAndSelf, kWidth});
          ASSERT_OK(source->Fetch(nodes, pool));
          ASSERT_OK(source->Gather(nodes, got.view(), pool));
          ASSERT_OK(mapped->Gather(nodes, expected.view(), pool));
          EXPECT_TRUE(std::equal(got.data(), got.data() + got.size(), expected.data()));
        }
      });
}

TEST_P(PartitionedFeatureSourceTest, CountsRowsAndBytes) {
  Run([&](Communicator& comm) {
    const Table table(DType::kF16);
    ThreadPool pool(1);
    const std::vector<int64_t> offsets = Table::RankOffsets(comm.num_ranks());
    const auto rank = static_cast<size_t>(comm.rank().value());
    const std::vector<GlobalId> hot = DistinctNodes(5, 30), nodes = DistinctNodes(6, 100);
    ASSERT_OK_AND_ASSIGN(
        const auto source,
        MakePartitionedFeatureSource(table.shape(), {offsets, hot}, table.Reader(), comm, pool));
    ASSERT_OK(source->Fetch(nodes, pool));
    int64_t remote = 0, found = 0;
    for (GlobalId node : nodes) {
      if (node.value() >= offsets[rank] && node.value() < offsets[rank + 1]) continue;
      ++remote;
      found += std::count(hot.begin(), hot.end(), node);
    }
    const FeatureTraffic traffic = source->traffic();
    EXPECT_EQ(traffic.rows, 100);
    EXPECT_EQ(traffic.remote_rows, remote);
    EXPECT_EQ(traffic.hot_rows, found);
    EXPECT_EQ(traffic.received_bytes, (remote - found) * kHopsAndSelf * kWidth * 2);
  });
}

TEST_P(PartitionedFeatureSourceTest, ReadsAStore) {
  const TempDir dir;
  ASSERT_OK(WriteTinyStore(dir / "s.qh",
                           {.graph_nodes = kNodes, .features = 5, .feature_dtype = DType::kBF16}));
  Run([&](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(dir / "s.qh"));
    ASSERT_OK_AND_ASSIGN(const FeatureTable table, store->features());
    ASSERT_OK_AND_ASSIGN(const RowReader read, FeatureRowReader(*store));
    ThreadPool pool(2);
    ASSERT_OK_AND_ASSIGN(
        const auto source,
        MakePartitionedFeatureSource(table, {Table::RankOffsets(comm.num_ranks()), {GlobalId(7)}},
                                     read, comm, pool));
    const std::vector<GlobalId> nodes = DistinctNodes(3, 50);
    Tensor<float> got({50, table.hops_and_self, table.width});
    ASSERT_OK(source->Fetch(nodes, pool));
    ASSERT_OK(source->Gather(nodes, got.view(), pool));
    for (int64_t i = 0; i < 50; ++i)
      for (int64_t j = 0; j < table.row_size(); ++j)
        EXPECT_EQ(got.row(i)[j], TinyFeature(nodes[static_cast<size_t>(i)].value(), j / 5, j % 5));
  });
}

TEST_P(PartitionedFeatureSourceTest, CancelEndsAWaitForRanksThatDoNotCome) {
  if (GetParam().num_ranks == 1) GTEST_SKIP() << "one rank waits for nobody";
  Run([&](Communicator& comm) {
    const Table table(DType::kF32);
    ThreadPool pool(1);
    ASSERT_OK_AND_ASSIGN(
        const auto source,
        MakePartitionedFeatureSource(table.shape(), {Table::RankOffsets(comm.num_ranks()), {}},
                                     table.Reader(), comm, pool));
    if (comm.rank().value() == 0) {
      std::thread waiting([&] {
        EXPECT_THAT(source->Fetch(DistinctNodes(1, 9), pool), StatusIs(absl::StatusCode::kAborted));
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      source->Cancel();
      waiting.join();
    }
    EXPECT_OK(comm.Barrier("all are still here"));
  });
}

TEST(PartitionedFeatureSource, HandsOnAnErrorOfTheDisk) {
  const Table table(DType::kF32);
  const auto comm = MakeSoloCommunicator();
  ThreadPool pool(1);
  const RowReader broken = [](BlockRange, absl::Span<uint8_t>) {
    return absl::DataLossError("features.npy: ends at byte 9");
  };
  EXPECT_THAT(
      MakePartitionedFeatureSource(table.shape(), {{0, kNodes}, {}}, broken, *comm, pool).status(),
      StatusIs(absl::StatusCode::kDataLoss, HasSubstr("byte 9")));
}

}  // namespace
}  // namespace quadhop
