#include "partition/import/target/graph_builder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

struct Built {
  GraphCounts counts;
  std::vector<int64_t> indptr;
  std::vector<uint32_t> indices;
};

// `memory_bytes` 0: so little that every few arcs go to disk.
Built Build(int64_t num_nodes, const std::vector<std::vector<Arc>>& blocks, bool directed,
            int num_threads, int64_t memory_bytes = int64_t{1} << 26, bool reverse = false) {
  const TempDir scratch;
  ThreadPool pool(num_threads);
  GraphBuilder builder(
      {num_nodes, directed, reverse, memory_bytes, scratch.path(), pool.num_threads()});
  for (const std::vector<Arc>& block : blocks) EXPECT_OK(builder.Add(block));
  const absl::StatusOr<GraphCounts> counts = builder.Build(pool);
  EXPECT_OK(counts);
  Built built;
  built.counts = *counts;
  built.indptr.assign(builder.indptr().begin(), builder.indptr().end());
  built.indices.resize(static_cast<size_t>(built.counts.arcs));
  EXPECT_OK(builder.CopyIndices(absl::MakeSpan(built.indices)));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));  // scratch files have no names
  return built;
}

// 0->1 twice, 1->0, 2->2 twice, 3->0, 0->2; node 4 stands alone.
const std::vector<std::vector<Arc>> kSmall = {{{3, 0}, {0, 1}, {2, 2}},
                                              {{0, 2}, {0, 1}, {1, 0}, {2, 2}}};

TEST(GraphBuilder, KeepsDirectionWhereAsked) {
  const Built built = Build(5, kSmall, true, 2);
  EXPECT_EQ(built.indptr, (std::vector<int64_t>{0, 2, 3, 3, 4, 4}));
  EXPECT_EQ(built.indices, (std::vector<uint32_t>{1, 2, 0, 0}));
  EXPECT_EQ(built.counts.arcs_added, 7);
  EXPECT_EQ(built.counts.self_loops_removed, 2);
  EXPECT_EQ(built.counts.duplicates_removed, 1);
  EXPECT_EQ(built.counts.inverses_added, 0);
}

TEST(GraphBuilder, TurnsArcsRoundWhereAsked) {
  const Built built = Build(5, kSmall, true, 2, int64_t{1} << 26, /*reverse=*/true);
  EXPECT_EQ(built.indptr, (std::vector<int64_t>{0, 2, 3, 4, 4, 4}));
  EXPECT_EQ(built.indices, (std::vector<uint32_t>{1, 3, 0, 0}));
  EXPECT_EQ(built.counts.duplicates_removed, 1);
}

TEST(GraphBuilder, AddsInversesThatAreNotThere) {
  const Built built = Build(5, kSmall, false, 2);
  EXPECT_EQ(built.indptr, (std::vector<int64_t>{0, 3, 4, 5, 6, 6}));
  EXPECT_EQ(built.indices, (std::vector<uint32_t>{1, 2, 3, 0, 0, 0}));
  EXPECT_EQ(built.counts.duplicates_removed, 1);
  EXPECT_EQ(built.counts.inverses_added, 2);  // of 3->0 and 0->2
  EXPECT_EQ(built.counts.arcs, 6);
}

TEST(GraphBuilder, TakesAGraphWithoutArcs) {
  const Built built = Build(3, {}, false, 1);
  EXPECT_EQ(built.indptr, (std::vector<int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(built.counts.arcs, 0);
}

TEST(GraphBuilder, EqualsASetOfPairsForAnyNumberOfThreads) {
  constexpr int64_t kNodes = 3000;
  std::vector<std::vector<Arc>> blocks(7);
  std::set<std::pair<int64_t, int64_t>> expected;
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (std::vector<Arc>& block : blocks) {
    for (int i = 0; i < 5000; ++i) {
      // Half of the arcs leave 20 hubs, so that some stand twice.
      const int64_t source = static_cast<int64_t>(random.Below(i % 2 ? 20 : kNodes));
      const int64_t target = static_cast<int64_t>(random.Below(kNodes));
      block.push_back({source, target});
      if (source == target) continue;
      expected.insert({source, target});
      expected.insert({target, source});
    }
  }
  for (const int num_threads : {1, 2, 5}) {
    // Enough memory, and so little that there are hundreds of runs on disk.
    const Built built = Build(kNodes, blocks, false, num_threads, int64_t{num_threads % 2} << 26);
    std::vector<std::pair<int64_t, int64_t>> pairs;
    for (int64_t v = 0; v < kNodes; ++v)
      for (int64_t e = built.indptr[static_cast<size_t>(v)];
           e < built.indptr[static_cast<size_t>(v) + 1]; ++e)
        pairs.push_back({v, built.indices[static_cast<size_t>(e)]});
    // A set iterates in ascending order: so must the rows.
    EXPECT_EQ(pairs, (std::vector<std::pair<int64_t, int64_t>>(expected.begin(), expected.end())));
  }
}

}  // namespace
}  // namespace quadhop
