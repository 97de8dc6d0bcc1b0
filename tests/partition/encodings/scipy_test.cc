// Hop features and encodings against numpy and scipy, where python3 has them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/arrays/npy.h"
#include "partition/encodings/encode.h"
#include "partition/features/propagate.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

constexpr int64_t kNodes = 300;
constexpr int32_t kDim = 4;
constexpr uint64_t kSeed = 11;

// What fast_random_projection.h says R_0 is.
absl::Status WriteFastRpStart(const std::string& path) {
  Tensor<float> start({kNodes, kDim});
  for (int64_t v = 0; v < kNodes; ++v) {
    RandomStream random(kSeed, RandomPurpose::kEncoding, static_cast<uint64_t>(v), 0);
    for (int64_t i = 0; i < kDim; ++i) start.row(v)[i] = static_cast<float>(random.Normal());
  }
  return WriteNpy(path, start.cview());
}

struct Case {
  int64_t nodes;
  int64_t arcs;
  EncodeOptions encode;
};
const Case kFastRp = {kNodes, 900, {"fastrp", kDim, kSeed, ""}};
// With as many random vectors as nodes (dim and 10 more) the randomised SVD is exact.
const Case kSvd = {20, 60, {"svd", 10, kSeed, ""}};

void ExpectAsInScipy(bool directed, const Case& test) {
  TempDir folder;
  ThreadPool pool(2);
  const ImportedStore imported{RandomGraph(test.nodes, test.arcs, directed, 8),
                               RandomValues(test.nodes * 7, 9),
                               7,
                               false,
                               {}};
  ASSERT_OK(WriteImportedStore(folder / "s", imported));
  ASSERT_OK(PropagateStore(folder / "s", {}, pool));
  ASSERT_OK(EncodeStore(folder / "s", test.encode, pool));
  if (test.encode.method == "fastrp") {
    ASSERT_OK(WriteFastRpStart(folder / "start.npy"));
  }
  const std::string command = "/usr/bin/python3 " QH_SOURCE_DIR
                              "/tests/partition/encodings/check_with_scipy.py " +
                              (folder / "s") + " " + (folder / "start.npy");
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)
    GTEST_SKIP() << "python3 with numpy and scipy is not installed";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(AgainstScipy, FastRpOfAnUndirectedGraph) { ExpectAsInScipy(false, kFastRp); }
TEST(AgainstScipy, FastRpOfADirectedGraph) { ExpectAsInScipy(true, kFastRp); }
TEST(AgainstScipy, SvdOfAnUndirectedGraph) { ExpectAsInScipy(false, kSvd); }
TEST(AgainstScipy, SvdOfADirectedGraph) { ExpectAsInScipy(true, kSvd); }

}  // namespace
}  // namespace quadhop
