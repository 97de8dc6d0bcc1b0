// Features that --project makes narrower.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "core/base/rng.h"
#include "partition/import/import.h"
#include "partition/linear_algebra/sparse_rows.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"

namespace quadhop {
namespace {

TEST(Projection, OfDenseRowsIsThatOfWhatIsNotZeroInThem) {
  constexpr int64_t kRows = 700, kColumns = 90, kWidth = 40;
  Tensor<float> dense({kRows, kColumns});
  OwnedSparseMatrix sparse{kRows, kColumns, {0}, {}, {}};
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t column = 0; column < kColumns; ++column) {
      const float value = random.Below(3) == 0 ? static_cast<float>(random.Below(1000)) / 7 : 0.0f;
      dense.row(row)[column] = value;
      if (value == 0) continue;
      sparse.indices.push_back(static_cast<uint32_t>(column));
      sparse.values.push_back(value);
    }
    sparse.indptr.push_back(static_cast<int64_t>(sparse.indices.size()));
  }
  ThreadPool pool(2);
  Tensor<float> of_dense({kRows, kWidth}), of_sparse({kRows, kWidth});
  ProjectRows(dense.cview(), /*seed=*/3, pool, of_dense.view());
  ProjectRows(sparse.view(), /*seed=*/3, pool, of_sparse.view());
  for (int64_t i = 0; i < kRows * kWidth; ++i) ASSERT_EQ(of_dense.data()[i], of_sparse.data()[i]);
}

// Ends the process: with 0 if it needed no more memory than that beyond what it had.
[[noreturn]] void ImportWithin(int64_t num_bytes, const ImportOptions& options) {
  int64_t all = 0, resident = 0, shared = 0, code = 0, unused = 0, data_pages = 0;
  std::ifstream("/proc/self/statm") >> all >> resident >> shared >> code >> unused >> data_pages;
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max =
      static_cast<rlim_t>(data_pages * sysconf(_SC_PAGESIZE) + num_bytes);
  setrlimit(RLIMIT_DATA, &limit);
  ThreadPool pool(2);
  std::exit(Import(options, pool).ok() ? 0 : 1);
}

// What the refusal of larger ones promises ("they must be in memory").
TEST(Projection, OfDenseFeaturesTakesTheMemoryOfThemAlone) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers take more memory than the limit";
#endif
  constexpr int64_t kNodes = 40'000, kColumns = 500;
  constexpr int64_t kArrayBytes = kNodes * kColumns * 4;  // 80 MB
  const InputFolder input;
  input.Write("x.npy",
              NpyOf<float>({kNodes, kColumns}, std::vector<float>(size_t{kNodes} * kColumns, 1)));
  input.Write("e.npy", NpyOf<int64_t>({2, 1}, {0, 1}));
  ImportOptions options;
  options.from = input / "e.npy";
  options.features = input / "x.npy";
  options.store = input / "s.qh";
  options.project = 4;
  EXPECT_EXIT(ImportWithin(kArrayBytes * 7 / 4, options), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace quadhop
