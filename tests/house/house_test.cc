// The tree keeps the rules of DESIGN.md section 5, and the checks of those rules find what they are
// for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/house/tree_rules.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kMaxLines = 500;

TEST(House, IncludesPointDown) { EXPECT_THAT(IncludesThatPointUp(QH_SOURCE_DIR), IsEmpty()); }

TEST(House, FoldersOfAModuleHaveNoCircles) {
  for (const char* module : {"core", "comm", "partition", "sampler", "model", "launch"})
    EXPECT_THAT(IncludesInCircles(QH_SOURCE_DIR, module), IsEmpty());
}

TEST(House, BackendHeadersStayInFilesNamedForThem) {
  EXPECT_THAT(BackendHeadersOutOfPlace(QH_SOURCE_DIR), IsEmpty());
}

TEST(House, SourcesAreShortEnoughToRead) {
  EXPECT_THAT(SourcesOf(QH_SOURCE_DIR), testing::Contains("core/store/store.h"));
  EXPECT_THAT(SourcesTooLong(QH_SOURCE_DIR, kMaxLines), IsEmpty());
}

class TreeRules : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = dir_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  TempDir dir_;
};

TEST_F(TreeRules, FindEveryIncludeThatPointsUp) {
  Write("core/a.h", "#include <vector>\n#include \"core/b.h\"\n#include \"comm/c.h\"\n");
  Write("comm/a.cc", "#include \"core/b.h\"\n#include \"partition/c.h\"\n");
  Write("partition/a.cc", "#include \"comm/b.h\"\n#  include \"model/c.h\"\n");
  Write("sampler/deep/a.cc", "#include \"comm/b.h\"\n#include \"model/c.h\"  // why\n");
  Write("model/a.cu",
        "#include \"comm/b.h\"\n#include \"sampler/c.h\"\n#include <absl/strings/cord.h>\n");
  Write("launch/a.cc",
        "#include \"model/b.h\"\n#include \"sampler/b.h\"\n#include \"tests/c.h\"\n");
  Write("tests/model/a.cc", "#include \"launch/b.h\"\n");
  EXPECT_THAT(IncludesThatPointUp(dir_.path()),
              ElementsAre("comm/a.cc:2: comm must not include partition/c.h",
                          "core/a.h:3: core must not include comm/c.h",
                          "launch/a.cc:3: launch must not include tests/c.h",
                          "model/a.cu:2: model must not include sampler/c.h",
                          "partition/a.cc:2: partition must not include model/c.h",
                          "sampler/deep/a.cc:2: sampler must not include model/c.h"));
}

TEST_F(TreeRules, FindIncludesInCircles) {
  Write("launch/main.cc", "#include \"launch/a/a.h\"\n");
  Write("launch/a/a.h", "#include \"core/a.h\"\n#include \"launch/b/b.h\"\n");
  Write("launch/b/b.h", "#include \"launch/c/c.h\"\n#include \"launch/d/d.h\"\n");
  Write("launch/c/c.cc", "#include \"launch/a/a.h\"  // why\n#include \"launch/c/c.h\"\n");
  Write("launch/c/deep/c.h", "#include \"launch/config.h\"\n");
  Write("launch/d/d.h", "#include \"launch/config.h\"\n");
  Write("launch/config.h", "#include \"launch/a/a.h\"\n");
  Write("model/a/a.h", "#include \"model/b/b.h\"\n");
  Write("model/b/b.h", "#include \"model/a/a.h\"\n");
  Write("launch/e/e.h", "#include \"launch/e/f/f.h\"\n#include \"launch/e/g/deep/g.h\"\n");
  Write("launch/e/f/f.h", "#include \"launch/e/g/g.h\"\n#include \"launch/d/d.h\"\n");
  Write("launch/e/g/deep/g.h", "#include \"launch/e/e.h\"\n");
  EXPECT_THAT(IncludesInCircles(dir_.path(), "launch"),
              ElementsAre("launch/a/a.h:2: a and b include each other",
                          "launch/b/b.h:1: b and c include each other",
                          "launch/c/c.cc:1: c and a include each other",
                          "launch/e/e.h:1: e and e/f include each other",
                          "launch/e/e.h:2: e and e/g include each other",
                          "launch/e/f/f.h:1: e/f and e/g include each other",
                          "launch/e/g/deep/g.h:1: e/g and e include each other"));
}

TEST_F(TreeRules, FindBackendHeadersOutOfPlace) {
  Write("comm/mpi_communicator.cc", "#include <mpi.h>\n#include \"comm/mpi/mpi.h\"\n");
  Write("comm/other.cc", "#include \"comm/mpi/mpi.h\"\n#include <mpi.h>\n");
  Write("comm/nccl_communicator.cc", "#include <nccl.h>\n#include <cuda_runtime.h>\n");
  Write("model/kernels/kernels.cc",
        "#include \"model/kernels/kernels.h\"\n#include <cuda_runtime.h>\n");
  Write("model/x_cuda.cu", "#include <cuda_runtime.h>\n#include <cublasLt.h>\n");
  Write("partition/metis_partitioner.cc", "#include <metis.h>\n");
  Write("partition/cut.h", "#include \"metis.h\"\n");
  Write("partition/ptscotch_partitioner.cc", "#include <mpi.h>\n#include <ptscotch.h>\n");
  Write("partition/ranks.h", "#include <scotch.h>\n");
  EXPECT_THAT(
      BackendHeadersOutOfPlace(dir_.path()),
      ElementsAre("comm/other.cc:2: mpi.h belongs in files named for it",
                  "model/kernels/kernels.cc:2: cuda_runtime.h belongs in files named for it",
                  "partition/cut.h:1: metis.h belongs in files named for it",
                  "partition/ranks.h:1: scotch.h belongs in files named for it"));
}

TEST_F(TreeRules, FindSourcesThatAreTooLong) {
  Write("core/fits.cc", std::string(3, '\n'));
  Write("core/long.cc", std::string(4, '\n'));
  Write("core/notes.txt", std::string(9, '\n'));
  EXPECT_THAT(SourcesTooLong(dir_.path(), 3),
              ElementsAre("core/long.cc:4: longer than 3 lines: cut it by concept"));
}

}  // namespace
}  // namespace quadhop
