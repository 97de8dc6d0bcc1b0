// What the plan says of scratch beside what steps write there. Stores are mapped: what goes through
// calls of the system is scratch, and a manifest.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "partition/features/propagate.h"
#include "partition/import/import.h"
#include "partition/prep/prep_plan.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

constexpr int64_t kManifestBytes = int64_t{32} << 10;  // more than one takes

// By calls of this process so far; -1 where the kernel does not count.
int64_t WrittenBytes() {
  std::ifstream file("/proc/self/io");
  std::string name;
  int64_t bytes = 0;
  while (file >> name >> bytes)
    if (name == "wchar:") return bytes;
  return -1;
}

class ScratchPlan : public testing::Test {
 protected:
  void SetUp() override {
    if (WrittenBytes() < 0) GTEST_SKIP() << "no /proc/self/io";
  }
  ThreadPool pool_{2};
};

// Arcs without duplicates: those of `degree` from node to node around a ring.
std::string RingArcs(int64_t num_nodes, int64_t degree) {
  std::vector<int64_t> ends;
  for (int64_t step = 0; step < degree; ++step)
    for (int64_t v = 0; v < num_nodes; ++v) ends.push_back(v);
  for (int64_t step = 1; step <= degree; ++step)
    for (int64_t v = 0; v < num_nodes; ++v) ends.push_back((v + step) % num_nodes);
  return NpyOf<int64_t>({2, num_nodes * degree}, ends);
}

TEST_F(ScratchPlan, OfAnImportHoldsAndIsNotFarFromWhatItWrites) {
  constexpr int64_t kNodes = 20000, kArcs = 20 * kNodes;
  const InputFolder input;
  input.Write("arcs.npy", RingArcs(kNodes, 20));
  input.Write("y.npy", NpyOf<int64_t>({kNodes}, std::vector<int64_t>(kNodes)));
  ImportOptions options;
  options.from = input / "arcs.npy";
  options.labels = input / "y.npy";
  options.store = input / "s.qh";
  options.directed = true;
  // Both lists are in memory at 64 bytes an arc and more, neither at fewer.
  for (const int64_t bytes_an_arc : {10, 30, 39, 41, 50, 63, 64, 70, 200}) {
    options.memory_bytes = bytes_an_arc * kArcs;
    ASSERT_OK_AND_ASSIGN(const auto shape, MeasureInput(options));
    ASSERT_TRUE(shape.has_value());
    ASSERT_EQ(shape->arcs, kArcs);
    const int64_t planned = PlanPrep(*shape, options.memory_bytes)[0].scratch_bytes;
    const int64_t before = WrittenBytes();
    ASSERT_OK(Import(options, pool_));
    const int64_t written = WrittenBytes() - before;
    const std::string what = absl::StrCat(bytes_an_arc, " bytes an arc");
    EXPECT_LE(written, planned + kManifestBytes) << what;
    // A run that is in memory after all, and the last neighbours.
    EXPECT_GE(written, planned - options.memory_bytes / 72 - options.memory_bytes / 16) << what;
    EXPECT_EQ(planned > 0, bytes_an_arc < 64) << what;
  }
}

TEST_F(ScratchPlan, OfPropagateIsWhatItWrites) {
  constexpr int64_t kNodes = 3000;
  constexpr int32_t kWidth = 40;
  const TempDir folder;
  ASSERT_OK(WriteImportedStore(
      folder / "s",
      {RandomGraph(kNodes, 9000, false, 1), RandomValues(kNodes * kWidth, 2), kWidth, false, {}}));
  PropagateOptions options;
  options.hops = 3;
  options.dtype = DType::kBF16;
  const StepNeeds needs = PropagateNeeds(kNodes, kWidth, options.hops, 2);
  PrepShape shape;
  shape.nodes = kNodes;
  shape.features = kWidth;
  shape.hops = options.hops;
  shape.feature_bytes = 2;
  for (const int64_t bytes : {needs.least_bytes, needs.memory_bytes - 1, needs.memory_bytes}) {
    options.memory_bytes = bytes;
    const int64_t planned = PlanPrep(shape, bytes)[3].scratch_bytes;
    EXPECT_EQ(planned > 0, bytes < needs.memory_bytes) << bytes;
    const int64_t before = WrittenBytes();
    ASSERT_OK(PropagateStore(folder / "s", options, pool_));
    const int64_t written = WrittenBytes() - before;
    EXPECT_GE(written, planned) << bytes;
    EXPECT_LE(written, planned + kManifestBytes) << bytes;
  }
}

}  // namespace
}  // namespace quadhop
