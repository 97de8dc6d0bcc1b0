#include "partition/encodings/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/files/file.h"
#include "partition/cuts/partition_store.h"
#include "partition/encodings/encoder.h"
#include "partition/features/propagate.h"
#include "partition/steps/moments_file.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

// Encodings by original id.
std::vector<float> Encodings(const std::string& path) {
  const auto store = Store::Open(path);
  EXPECT_OK(store);
  const auto pos_enc = (*store)->pos_enc();
  const auto ids = (*store)->original_ids();
  EXPECT_OK(pos_enc);
  EXPECT_OK(ids);
  std::vector<float> rows(static_cast<size_t>(pos_enc->size()));
  for (int64_t v = 0; v < pos_enc->dim(0); ++v)
    std::copy_n(pos_enc->row(v), pos_enc->dim(1),
                rows.begin() + (*ids)[static_cast<size_t>(v)] * pos_enc->dim(1));
  return rows;
}

class Encode : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteImportedStore(
        path_, {RandomGraph(200, 800, false, 1), RandomValues(200 * 3, 2), 3, false, {}}));
  }
  std::vector<float> EncodedWith(const EncodeOptions& options, int num_threads = 1) {
    ThreadPool pool(num_threads);
    EXPECT_OK(EncodeStore(path_, options, pool));
    return Encodings(path_);
  }
  absl::Status EncodeFile(DType dtype, std::vector<int64_t> dims, const void* data) {
    EXPECT_OK(WriteNpy(folder_ / "e.npy", dtype, dims, data));
    ThreadPool pool(1);
    return EncodeStore(path_, FromFile(), pool).status();
  }
  EncodeOptions FromFile() {
    EncodeOptions options;
    options.method = "file";
    options.file = folder_ / "e.npy";
    return options;
  }

  TempDir folder_;
  std::string path_ = folder_ / "s";
};

TEST_F(Encode, IsEqualInEveryDigitForAnyNumberOfThreads) {
  constexpr int64_t kNodes = 9000;  // several blocks of every loop over rows
  ASSERT_OK(WriteImportedStore(
      path_, {RandomGraph(kNodes, 30000, false, 1), RandomValues(kNodes, 2), 1, false, {}}));
  for (const std::string& method : EncoderNames()) {
    const EncodeOptions options{method, 8, 3, ""};
    const std::vector<float> one = EncodedWith(options, 1);
    EXPECT_EQ(EncodedWith(options, 2), one);
    EXPECT_EQ(EncodedWith(options, 3), one);
  }
}

TEST_F(Encode, ByProjectionIsEqualInEveryDigitForAnyMemory) {
  constexpr int32_t kDim = 40;  // in runs of 16 columns the last has 8
  const std::vector<float> whole = EncodedWith({"fastrp", kDim, 3, ""});
  ASSERT_OK_AND_ASSIGN(const EncodingMethod* const fastrp, FindEncoder("fastrp"));
  const StepNeeds needs = fastrp->needs(200, kDim);
  ASSERT_LT(needs.least_bytes, needs.memory_bytes);
  for (const int64_t bytes : {needs.least_bytes, needs.memory_bytes - 1, needs.memory_bytes})
    EXPECT_EQ(EncodedWith({"fastrp", kDim, 3, "", bytes}, 2), whole) << bytes << " bytes";
}

TEST_F(Encode, ByProjectionIsEqualForAnyMemoryBeyondAReadOfScratch) {
  constexpr int64_t kNodes = 40000;
  constexpr int32_t kDim = 24;
  ASSERT_OK(WriteImportedStore(
      path_, {RandomGraph(kNodes, 60000, false, 1), RandomValues(kNodes, 2), 1, false, {}}));
  const std::vector<float> whole = EncodedWith({"fastrp", kDim, 3, ""}, 2);
  ASSERT_OK_AND_ASSIGN(const EncodingMethod* const fastrp, FindEncoder("fastrp"));
  EXPECT_EQ(EncodedWith({"fastrp", kDim, 3, "", fastrp->needs(kNodes, kDim).least_bytes}, 2),
            whole);
}

TEST_F(Encode, RefusesLessMemoryThanAMethodNeeds) {
  ThreadPool pool(1);
  for (const std::string& method : EncoderNames()) {
    ASSERT_OK_AND_ASSIGN(const EncodingMethod* const encoding, FindEncoder(method));
    const int64_t least_bytes = encoding->needs(200, 8).least_bytes;
    if (least_bytes == 0) continue;  // rwse
    EXPECT_THAT(EncodeStore(path_, {method, 8, 0, "", least_bytes - 1}, pool).status(),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("encode by " + method)));
    EXPECT_OK(EncodeStore(path_, {method, 8, 0, "", least_bytes}, pool).status());
  }
}

TEST_F(Encode, DependsOnTheSeed) {
  EXPECT_NE(EncodedWith({"fastrp", 8, 1, ""}), EncodedWith({"fastrp", 8, 2, ""}));
}

TEST_F(Encode, StandardizesColumns) {
  for (const char* method : {"fastrp", "svd"}) {
    const std::vector<float> rows = EncodedWith({method, 4, 0, ""});
    for (size_t column = 0; column < 4; ++column) {
      double sum = 0, square = 0;
      for (size_t i = column; i < rows.size(); i += 4) {
        sum += double{rows[i]};
        square += double{rows[i]} * double{rows[i]};
      }
      EXPECT_NEAR(sum / 200, 0, 1e-6);
      EXPECT_NEAR(square / 200, 1, 1e-6);
    }
  }
}

TEST_F(Encode, KeepsTheMomentsByWhichColumnsWereStandardised) {
  EncodedWith({"fastrp", 4, 0, ""});
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(path_));
  ASSERT_OK_AND_ASSIGN(const ColumnMoments moments, ReadMoments(*store, kEncodingMomentsFile));
  ASSERT_OK_AND_ASSIGN(const EncodingMethod* const fastrp, FindEncoder("fastrp"));
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int64_t> keys, store->original_ids());
  Tensor<float> plain({200, 4});
  ThreadPool pool(1);
  ASSERT_OK(fastrp->encode({topology, false, keys, 0, int64_t{1} << 30, folder_.path(), pool},
                           plain.view()));
  for (size_t column = 0; column < 4; ++column) {
    double sum = 0, square = 0;
    for (int64_t v = 0; v < 200; ++v) sum += double{plain.row(v)[column]};
    for (int64_t v = 0; v < 200; ++v)
      square += std::pow(double{plain.row(v)[column]} - sum / 200, 2);
    EXPECT_NEAR(moments.mean[column], sum / 200, 1e-12);
    EXPECT_NEAR(moments.deviation[column], std::sqrt(square / 200), 1e-12);
  }
  const std::vector<float> rows = RandomValues(200 * 6, 4);
  ASSERT_OK(EncodeFile(DType::kF32, {200, 6}, rows.data()));  // not standardised
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> of_file, Store::Open(path_));
  EXPECT_FALSE(of_file->HasFile(kEncodingMomentsFile));
  EXPECT_FALSE(FileExists(path_ + "/pos_enc_moments.npy"));
}

// Sums run in another order, so digits may differ; the random numbers are the same.
TEST_F(Encode, DoesNotDependOnTheCut) {
  for (const char* method : {"fastrp", "svd"}) {
    const EncodeOptions options{method, 8, 5, ""};
    ThreadPool pool(1);
    ASSERT_OK(PartitionStore(path_, {1, "hash", 0, 0.05}, pool));
    const std::vector<float> whole = EncodedWith(options);
    ASSERT_OK(PartitionStore(path_, {5, "hash", 0, 0.05}, pool));
    const std::vector<float> cut = EncodedWith(options);
    ASSERT_EQ(whole.size(), cut.size());
    // The flat spectrum of a random graph amplifies rounding in the singular vectors.
    const double tolerance = std::string(method) == "svd" ? 1e-2 : 1e-5;
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], cut[i], tolerance) << method;
  }
}

TEST_F(Encode, ByFileTakesRowsByOriginalId) {
  const std::vector<float> rows = RandomValues(200 * 6, 4);
  const std::vector<double> doubles(rows.begin(), rows.end());
  ThreadPool pool(1);
  ASSERT_OK(PartitionStore(path_, {3, "hash", 0, 0.05}, pool));
  ASSERT_OK(EncodeFile(DType::kF32, {200, 6}, rows.data()));
  EXPECT_EQ(Encodings(path_), rows);
  ASSERT_OK(EncodeFile(DType::kF64, {200, 6}, doubles.data()));
  EXPECT_EQ(Encodings(path_), rows);
}

TEST_F(Encode, ByFileRefusesWhatDoesNotFit) {
  std::vector<float> rows(200 * 6);
  EXPECT_THAT(EncodeFile(DType::kF32, {199, 6}, rows.data()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[199, 6]")));
  EXPECT_THAT(EncodeFile(DType::kF32, {200 * 6}, rows.data()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[1200]")));
  EXPECT_THAT(EncodeFile(DType::kI32, {200, 6}, rows.data()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("float32")));
  rows[17 * 6 + 2] = std::nanf("");
  EXPECT_THAT(EncodeFile(DType::kF32, {200, 6}, rows.data()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("row 17")));
}

template <typename T>
std::vector<T> ByColumns(const std::vector<float>& rows, size_t width) {
  std::vector<T> columns;
  for (size_t c = 0; c < width; ++c)
    for (size_t i = c; i < rows.size(); i += width) columns.push_back(rows[i]);
  return columns;
}

TEST_F(Encode, ReadsAFileInColumnOrder) {
  const std::vector<float> rows = RandomValues(200 * 6, 4);
  const std::string path = FromFile().file;
  ASSERT_OK(WriteFileAtomically(path, NpyOf({200, 6}, ByColumns<float>(rows, 6), true)));
  EXPECT_EQ(EncodedWith(FromFile()), rows);
  ASSERT_OK(WriteFileAtomically(path, NpyOf({200, 6}, ByColumns<double>(rows, 6), true)));
  EXPECT_EQ(EncodedWith(FromFile()), rows);
}

TEST_F(Encode, RecordsTheContentOfAFileNotItsName) {
  const std::vector<float> rows = RandomValues(200 * 6, 4);
  ASSERT_OK(EncodeFile(DType::kF32, {200, 6}, rows.data()));
  ASSERT_OK_AND_ASSIGN(const std::string before, FromFile().ToString());
  ASSERT_OK(EncodeFile(DType::kF32, {200, 3}, rows.data()));
  ASSERT_OK_AND_ASSIGN(const std::string after, FromFile().ToString());
  EXPECT_NE(before, after);
  EXPECT_THAT(before, HasSubstr("method=file xxh3="));
}

TEST_F(Encode, RefusesUnknownMethodsAndDims) {
  ThreadPool pool(1);
  EXPECT_THAT(EncodeStore(path_, {"deepwalk", 8, 0, ""}, pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("laplacian or file")));
  EXPECT_THAT(EncodeStore(path_, {"fastrp", 0, 0, ""}, pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dim is 0")));
  EXPECT_THAT(EncodeStore(path_, {"svd", 300, 0, ""}, pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 to 200")));
}

TEST(EncodeWithoutFeatures, StrikesTheFeaturesMadeFromEncodings) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", {RandomGraph(40, 100, false, 3), {}, 0, false, {}}));
  ASSERT_OK(EncodeStore(folder / "s", {"fastrp", 8, 0, ""}, pool));
  ASSERT_OK(PropagateStore(folder / "s", {}, pool));
  ASSERT_OK(EncodeStore(folder / "s", {"fastrp", 4, 0, ""}, pool));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  EXPECT_FALSE(store->HasFile("features.npy"));
  EXPECT_EQ(store->FindStep("propagate"), nullptr);
  EXPECT_EQ(store->manifest().hops(), 0);
}

}  // namespace
}  // namespace quadhop
