#include "partition/graph/structure.h"

#include <gtest/gtest.h>

#include "core/store/store.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

absl::StatusOr<GraphStructure> StructureOf(const TestGraph& graph, int num_threads) {
  TempDir folder;
  ThreadPool pool(num_threads);
  QH_RETURN_IF_ERROR(WriteImportedStore(folder / "s", {graph, {}, 0, false, {}}));
  QH_ASSIGN_OR_RETURN(const auto store, Store::Open(folder / "s"));
  return GraphStructure::Of(*store, pool);
}

// A star of 4, a pair, and a node alone.
const TestArcs kStarAndPair = {{0, 1}, {0, 2}, {0, 3}, {4, 5}};

TEST(GraphStructure, CountsComponentsDegreesAndPaths) {
  ASSERT_OK_AND_ASSIGN(const GraphStructure structure, StructureOf(GraphOf(7, kStarAndPair), 2));
  EXPECT_EQ(structure.components, 3);
  EXPECT_EQ(structure.largest_component, 4);
  EXPECT_EQ(structure.isolated_nodes, 1);
  EXPECT_EQ(structure.median_degree, 1);
  EXPECT_EQ(structure.degree_99, 3);
  ASSERT_EQ(structure.hubs.size(), 5u);
  EXPECT_EQ(structure.hubs[0].degree, 3);
  EXPECT_EQ(structure.hubs[1].degree, 1);
  // The centre reads 3 neighbours of degree 1, leaves read 3, the pair 1 each.
  EXPECT_DOUBLE_EQ(structure.mean_two_step_paths, (3 + 3 * 3 + 2) / 7.0);
}

TEST(GraphStructure, TakesArcsOfADirectedGraphForBothWaysOfAComponent) {
  ASSERT_OK_AND_ASSIGN(const GraphStructure structure,
                       StructureOf(GraphOf(5, {{1, 0}, {1, 2}, {3, 2}}, true), 1));
  EXPECT_EQ(structure.components, 2);
  EXPECT_EQ(structure.largest_component, 4);
  EXPECT_EQ(structure.isolated_nodes, 1);  // and not node 2, which has no out-neighbour
}

TEST(GraphStructure, IsTheSameForAnyNumberOfThreads) {
  const TestGraph graph = RandomGraph(60000, 40000, false, 5);  // many components
  ASSERT_OK_AND_ASSIGN(const GraphStructure one, StructureOf(graph, 1));
  for (const int threads : {2, 4}) {
    ASSERT_OK_AND_ASSIGN(const GraphStructure more, StructureOf(graph, threads));
    EXPECT_EQ(more.components, one.components);
    EXPECT_EQ(more.largest_component, one.largest_component);
    EXPECT_EQ(more.mean_two_step_paths, one.mean_two_step_paths);
    EXPECT_EQ(more.equal_arcs, one.equal_arcs);
  }
}

}  // namespace
}  // namespace quadhop
