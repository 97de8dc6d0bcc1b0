// The golden cases, which lie outside the source tree: in $QH_GOLDEN, by default ../shared/golden.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "tests/golden/golden_case.h"
#include "tests/golden/golden_check.h"
#include "tests/golden/golden_production.h"
#include "tests/golden/golden_reference.h"
#include "tests/support/temp_dir.h"

namespace quadhop::golden {
namespace {

std::vector<std::string> GoldenFiles() {
  const char* folder = std::getenv("QH_GOLDEN");
  std::vector<std::string> files;
  std::error_code ignored;  // no folder, no files
  for (const auto& entry : std::filesystem::directory_iterator(
           folder != nullptr ? folder : QH_SOURCE_DIR "/../shared/golden", ignored))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  return files;
}

void ExpectEveryCaseReproduced(absl::StatusOr<GoldenOutcome> (*run)(const GoldenCase&),
                               GoldenBounds (*bounds)(const GoldenCase&)) {
  for (const std::string& file : GoldenFiles()) {
    const absl::StatusOr<GoldenCase> golden = LoadGoldenCase(file);
    ASSERT_TRUE(golden.ok()) << golden.status();
    const absl::StatusOr<GoldenOutcome> outcome = run(*golden);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    for (const GoldenCheck& check : CompareWithGolden(*golden, *outcome, bounds(*golden)))
      EXPECT_TRUE(check.ok()) << file << ": " << check.what << ": error " << check.error
                              << ", bound " << check.bound;
  }
}

TEST(Golden, TheReferenceInDoubleReproducesEveryCase) {
  if (GoldenFiles().empty()) GTEST_SKIP() << "no golden cases in $QH_GOLDEN or ../shared/golden";
  ExpectEveryCaseReproduced(RunReference, DoubleBounds);
}

TEST(Golden, TheProductionModelInFloatReproducesEveryCase) {
  if (GoldenFiles().empty()) GTEST_SKIP() << "no golden cases in $QH_GOLDEN or ../shared/golden";
  ExpectEveryCaseReproduced(RunProduction, FloatBounds);
}

TEST(Golden, AChangedWeightOrResultIsSeen) {
  const std::vector<std::string> files = GoldenFiles();
  if (files.empty()) GTEST_SKIP() << "no golden cases in $QH_GOLDEN or ../shared/golden";
  const absl::StatusOr<GoldenCase> golden = LoadGoldenCase(files.front());
  ASSERT_TRUE(golden.ok()) << golden.status();
  absl::StatusOr<GoldenOutcome> outcome = RunReference(*golden);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  const auto num_failed = [&] {
    int failed = 0;
    for (const GoldenCheck& check : CompareWithGolden(*golden, *outcome, DoubleBounds(*golden)))
      failed += !check.ok();
    return failed;
  };
  outcome->losses[0] *= 1 + 1e-7;
  EXPECT_EQ(num_failed(), 1);
  outcome->gradients["fc_out.bias"].values[0] = std::nan("");
  EXPECT_EQ(num_failed(), 2);
  outcome->gradients.erase("fc_out.weight");
  EXPECT_EQ(num_failed(), 3);
  outcome->eval_after.pop_back();
  EXPECT_EQ(num_failed(), 4);
}

TEST(Golden, AFileThatIsNoCaseIsRefused) {
  const TempDir folder;
  const std::string path = folder / "no_case.safetensors";
  std::ofstream(path) << std::string("\2\0\0\0\0\0\0\0{}", 10);
  EXPECT_EQ(LoadGoldenCase(path).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace quadhop::golden
