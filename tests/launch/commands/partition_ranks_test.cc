// A store cut by ranks together, each a process.
#include <absl/strings/str_cat.h>

#include <cstdlib>

#include "core/files/file.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

class PartitionRanks : public testing::Test {
 protected:
  // The exit code of a command on two ranks; what it printed is in log().
  int OnTwoRanks(const std::string& command) {
    const int status = std::system(
        absl::StrCat("ASAN_OPTIONS=detect_leaks=0 " QH_MPIEXEC  // Open MPI's
                     " --allow-run-as-root --oversubscribe --bind-to none -n 2 " QH_PROGRAM " ",
                     command, " >", folder_ / "log", " 2>&1")
            .c_str());
    return WEXITSTATUS(status);
  }
  std::string log() const { return ReadFile(folder_ / "log").value(); }
  void MakeStore(const std::string& path) {
    ASSERT_EQ(Quadhop({"synth", "--to-store", "--nodes", "2000", "--degree", "10", "--features",
                       "5", "--classes", "4", "--out", path})
                  .code,
              ExitCode::kDone);
  }
  TempDir folder_;
};

TEST_F(PartitionRanks, WriteOneStoreTheSameEachTime) {
  std::string indices;
  for (const char* name : {"first.qh", "second.qh"}) {
    const std::string store = folder_ / name;
    MakeStore(store);
    ASSERT_EQ(OnTwoRanks(absl::StrCat("partition --method ptscotch --parts 3 --store ", store)), 0)
        << log();
    EXPECT_THAT(log(), HasSubstr("ptscotch on 2 ranks: 3 parts"));
    EXPECT_EQ(Quadhop({"verify", store}).code, ExitCode::kDone);
    const std::string written = ReadFile(store + "/indices.npy").value();
    if (indices.empty()) indices = written;
    EXPECT_TRUE(written == indices);
  }
}

TEST_F(PartitionRanks, AreRefusedWhereOneProcessDoesTheWork) {
  MakeStore(folder_ / "s.qh");
  EXPECT_EQ(OnTwoRanks(absl::StrCat("partition --method hash --store ", folder_ / "s.qh")), 2);
  EXPECT_THAT(log(), HasSubstr("--method hash is the work of one"));
}

TEST_F(PartitionRanks, AreNeededByPtscotch) {
  MakeStore(folder_ / "s.qh");
  const Outcome alone = Quadhop({"partition", "--method", "ptscotch", "--store", folder_ / "s.qh"});
  EXPECT_EQ(alone.code, ExitCode::kFailed);
  EXPECT_THAT(alone.err, HasSubstr("mpirun"));
}

}  // namespace
}  // namespace quadhop
