// A prep that dies anywhere is carried on by the next, which ends with the same store.
#include <absl/strings/str_cat.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/files/file.h"
#include "launch/faults/faults.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

// The bytes of every file but the manifest, which has times.
std::map<std::string, std::string> ArraysOf(const std::string& store) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(store))
    if (entry.path().extension() != ".textproto")
      files[entry.path().filename()] = ReadFile(entry.path()).value();
  return files;
}

class PrepFaults : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { SynthGraph(folder_ / "graph", 200); }
  std::vector<std::string> Prep(const std::string& store) const {
    return {
        "prep",      "--from", folder_ / "graph",    "--store", store, "--parts", "3", "--dim", "4",
        "--threads", "1",      "--partition-method", "hash"};
  }
  TempDir folder_;
};

TEST_P(PrepFaults, LoseNothing) {
  const std::string store = folder_ / "killed.qh";
  for (const char* point : CommitPointNames()) {
    std::string command = QH_PROGRAM;
    for (const std::string& argument : Prep(store)) absl::StrAppend(&command, " ", argument);
    absl::StrAppend(&command, " --fail-at ", GetParam(), ":", point, " >/dev/null 2>&1");
    const int status = std::system(command.c_str());
    EXPECT_EQ(WEXITSTATUS(status), 128 + SIGKILL) << point;  // as the shell says it
  }
  const Outcome carried_on = Quadhop(Prep(store));
  EXPECT_EQ(carried_on.code, ExitCode::kDone) << carried_on.err;
  ASSERT_EQ(Quadhop(Prep(folder_ / "alone.qh")).code, ExitCode::kDone);
  EXPECT_TRUE(ArraysOf(store) == ArraysOf(folder_ / "alone.qh"));
}

INSTANTIATE_TEST_SUITE_P(In, PrepFaults,
                         testing::Values("import", "partition", "encode", "propagate"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace quadhop
