#include "partition/features/propagate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "partition/encodings/encode.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

// The values of features.npy as floats.
std::vector<float> Features(const std::string& path) {
  const auto store = Store::Open(path);
  EXPECT_OK(store);
  const absl::StatusOr<FeatureTable> table = (*store)->features();
  EXPECT_OK(table);
  std::vector<float> values(static_cast<size_t>(table->num_nodes * table->row_size()));
  ConvertToFloat(table->dtype, table->data, static_cast<int64_t>(values.size()), values.data());
  return values;
}

std::vector<float> Propagated(const ImportedStore& store, const PropagateOptions& options,
                              int num_threads = 1) {
  TempDir folder;
  ThreadPool pool(num_threads);
  EXPECT_OK(WriteImportedStore(folder / "s", store));
  EXPECT_OK(PropagateStore(folder / "s", options, pool));
  return Features(folder / "s");
}

// A star of 0 with 1, 2, 3, and 4 alone.
ImportedStore Star() {
  return {GraphOf(5, {{0, 1}, {0, 2}, {0, 3}}), {8, 4, 0, -4, 3}, 1, false, {}};
}

// With A + I: degrees 4, 2, 2, 2, 1. Worked out by hand: row 0 of the first hop is 8/4 + (4 + 0 -
// 4)/sqrt(8), row 1 is 4/2 + 8/sqrt(8), ...
TEST(Propagate, WritesTheHopsOfAStar) {
  const std::vector<float> expected = {8,  2,           3.5f,         //
                                       4,  4.82842712f, 3.12132034f,  //
                                       0,  2.82842712f, 2.12132034f,  //
                                       -4, 0.82842712f, 1.12132034f,  //
                                       3,  3,           3};
  EXPECT_THAT(Propagated(Star(), {}), Pointwise(FloatNear(4e-6f), expected));
}

TEST(Propagate, ConvertsToHalvesAtTheEnd) {
  const std::vector<float> exact = Propagated(Star(), {});
  PropagateOptions options;
  for (const auto& [dtype, relative] :
       {std::pair{DType::kF16, 0x1p-11f}, std::pair{DType::kBF16, 0x1p-8f}}) {
    options.dtype = dtype;
    const std::vector<float> halves = Propagated(Star(), options);
    for (size_t i = 0; i < exact.size(); ++i)
      EXPECT_NEAR(halves[i], exact[i], relative * std::abs(exact[i])) << DTypeName(dtype);
    EXPECT_NE(halves, exact);
  }
}

TEST(Propagate, RecordsWhatItDid) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", Star()));
  PropagateOptions options;
  options.hops = 3;
  options.dtype = DType::kBF16;
  options.standardize = true;
  ASSERT_OK(PropagateStore(folder / "s", options, pool));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  EXPECT_EQ(store->manifest().hops(), 3);
  EXPECT_EQ(store->manifest().feature_dtype(), "bf16");
  ASSERT_NE(store->FindStep("propagate"), nullptr);
  EXPECT_EQ(store->FindStep("propagate")->options(), "hops=3 dtype=bf16 standardize=true");
  EXPECT_OK(store->VerifyAll(pool));
}

ImportedStore RandomStore(bool sparse) {
  ImportedStore store{RandomGraph(300, 1000, true, 1), RandomValues(300 * 50, 2), 50, sparse, {}};
  for (size_t i = 0; i < store.features.size(); ++i)
    if (i % 3 != 0) store.features[i] = 0;
  return store;
}

TEST(Propagate, TakesSparseFeatures) {
  EXPECT_EQ(Propagated(RandomStore(true), {}), Propagated(RandomStore(false), {}));
}

// In every digit; 50 columns are runs of 16, 16, 16 and 2.
TEST(Propagate, DoesNotDependOnTheColumnsThatFitMemory) {
  for (const bool sparse : {false, true})
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16})
      for (const int32_t hops : {0, 1, 3}) {
        PropagateOptions options;
        options.hops = hops;
        options.dtype = dtype;
        const std::vector<float> whole = Propagated(RandomStore(false), options);
        options.memory_bytes = 1;  // 16 columns at a time
        EXPECT_EQ(Propagated(RandomStore(sparse), options, 2), whole) << options.ToString();
      }
}

// 4 columns, of 9000 nodes: usual, far off, tiny, constant.
ImportedStore UnscaledStore() {
  constexpr int64_t kNodes = 9000;
  ImportedStore store{
      RandomGraph(kNodes, 30000, false, 1), RandomValues(kNodes * 4, 2), 4, false, {}};
  for (size_t v = 0; v < kNodes; ++v) {
    float* const x = &store.features[4 * v];
    x[1] = 1e6f + 1e5f * x[1];
    x[2] *= 1e-20f;
    x[3] = 0.1f;
  }
  return store;
}

TEST(Propagate, StandardizedIsPropagatedFromColumnsOfMeanZeroAndDeviationOne) {
  ImportedStore store = UnscaledStore();
  PropagateOptions options;
  options.standardize = true;
  const std::vector<float> features = Propagated(store, options);
  const size_t count = store.features.size() / 4;
  for (size_t j = 0; j < 4; ++j) {
    double mean = 0, variance = 0;
    for (size_t v = 0; v < count; ++v) mean += store.features[4 * v + j] / double(count);
    for (size_t v = 0; v < count; ++v)
      variance += std::pow(store.features[4 * v + j] - mean, 2) / double(count);
    for (size_t v = 0; v < count; ++v) {
      float& x = store.features[4 * v + j];
      x = j == 3 ? 0 : static_cast<float>((x - mean) / std::sqrt(variance));
    }
  }
  EXPECT_THAT(features, Pointwise(FloatNear(1e-5f), Propagated(store, {})));
  for (size_t i = 3; i < features.size(); i += 4) ASSERT_EQ(features[i], 0);
}

TEST(Propagate, StandardizedIsEqualInEveryDigitHoweverItIsRead) {
  ImportedStore store = RandomStore(false);
  constexpr int64_t kNodes = 9000;
  store.graph = RandomGraph(kNodes, 30000, false, 1);
  store.features = RandomValues(kNodes * 50, 2);
  PropagateOptions options;
  options.standardize = true;
  const std::vector<float> whole = Propagated(store, options);
  for (const bool sparse : {false, true})
    for (const int num_threads : {1, 3}) {
      store.sparse = sparse;
      options.memory_bytes = num_threads == 1 ? 0 : 1;  // 16 columns at a time
      EXPECT_EQ(Propagated(store, options, num_threads), whole) << num_threads;
    }
}

// Of more rows than one call to the disk takes.
TEST(Propagate, ByColumnsIsEqualBeyondAReadOfScratch) {
  constexpr int64_t kNodes = 9000;
  constexpr int32_t kWidth = 40;
  const ImportedStore store{
      RandomGraph(kNodes, 30000, false, 1), RandomValues(kNodes * kWidth, 2), kWidth, false, {}};
  PropagateOptions options;
  const std::vector<float> whole = Propagated(store, options);
  const StepNeeds needs = PropagateNeeds(kNodes, kWidth, options.hops, sizeof(float));
  for (const int64_t bytes : {needs.least_bytes, needs.memory_bytes - 1, needs.memory_bytes}) {
    options.memory_bytes = bytes;
    EXPECT_EQ(Propagated(store, options, 2), whole) << bytes << " bytes";
  }
}

TEST(Propagate, ByColumnsNamesAValueThatIsTooLarge) {
  TempDir folder;
  ThreadPool pool(2);
  ImportedStore large = RandomStore(false);
  large.features[7 * 50 + 33] = 1e6f;
  ASSERT_OK(WriteImportedStore(folder / "s", large));
  PropagateOptions options;
  options.dtype = DType::kF16;
  options.memory_bytes = 1;
  EXPECT_THAT(PropagateStore(folder / "s", options, pool),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("hop 0 of node 7 of the store, column 33, is 1e+06")));
}

TEST(Propagate, IsEqualInEveryDigitForAnyNumberOfThreads) {
  const std::vector<float> one = Propagated(RandomStore(false), {}, 1);
  EXPECT_EQ(Propagated(RandomStore(false), {}, 2), one);
  EXPECT_EQ(Propagated(RandomStore(false), {}, 3), one);
}

TEST(Propagate, CanBeDoneAgainWithOtherOptions) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", Star()));
  PropagateOptions options;
  options.dtype = DType::kBF16;
  ASSERT_OK(PropagateStore(folder / "s", options, pool));
  ASSERT_OK(PropagateStore(folder / "s", {}, pool));
  EXPECT_EQ(Features(folder / "s"), Propagated(Star(), {}));
}

TEST(Propagate, WithoutFeaturesAsksForEncodingsAndThenUsesThem) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", {RandomGraph(40, 100, false, 3), {}, 0, false, {}}));
  EXPECT_THAT(PropagateStore(folder / "s", {}, pool),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("quadhop encode")));
  EncodeOptions encode;
  encode.dim = 8;
  ASSERT_OK(EncodeStore(folder / "s", encode, pool));
  ASSERT_OK(PropagateStore(folder / "s", {}, pool));
  const std::vector<float> features = Features(folder / "s");
  ASSERT_EQ(features.size(), 40u * 3 * 8);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  ASSERT_OK_AND_ASSIGN(const TensorView<const float> pos_enc, store->pos_enc());
  for (int64_t v = 0; v < 40; ++v)
    for (int64_t i = 0; i < 8; ++i)
      EXPECT_EQ(features[static_cast<size_t>(v * 24 + i)], pos_enc.row(v)[i]);
}

// In every digit as if they had been columns of the features; however these are stored, and however
// many columns fit.
TEST(Propagate, MayHaveTheEncodingsAfterTheFeatures) {
  TempDir folder;
  ThreadPool pool(2);
  EncodeOptions encode;
  encode.dim = 8;
  for (const bool sparse : {false, true}) {
    const ImportedStore store = RandomStore(sparse);
    const std::string path = folder / (sparse ? "sparse" : "dense");
    ASSERT_OK(WriteImportedStore(path, store));
    PropagateOptions options;
    options.with_encodings = true;
    EXPECT_THAT(
        PropagateStore(path, options, pool),
        StatusIs(absl::StatusCode::kFailedPrecondition,
                 HasSubstr("no encodings to use beside its features: run `quadhop encode")));
    ASSERT_OK(EncodeStore(path, encode, pool));
    ImportedStore wide = RandomStore(/*sparse=*/false);
    {
      ASSERT_OK_AND_ASSIGN(const auto encoded, Store::Open(path));
      ASSERT_OK_AND_ASSIGN(const TensorView<const float> pos_enc, encoded->pos_enc());
      wide.features.clear();
      wide.width = 58;
      for (int64_t v = 0; v < 300; ++v) {
        wide.features.insert(wide.features.end(), store.features.begin() + v * 50,
                             store.features.begin() + (v + 1) * 50);
        wide.features.insert(wide.features.end(), pos_enc.row(v), pos_enc.row(v) + 8);
      }
    }
    for (const int64_t memory_bytes : {0, 1}) {
      options.memory_bytes = memory_bytes;
      ASSERT_OK(PropagateStore(path, options, pool));
      EXPECT_EQ(Features(path), Propagated(wide, {})) << sparse << " " << memory_bytes;
    }
    ASSERT_OK_AND_ASSIGN(const auto made, Store::Open(path));
    EXPECT_EQ(made->FindStep("propagate")->options(), "hops=2 dtype=f32 with-encodings=true");
    // They are of no use any more once there are others.
    ASSERT_OK(EncodeStore(path, encode, pool));
    ASSERT_OK_AND_ASSIGN(const auto again, Store::Open(path));
    EXPECT_FALSE(again->HasFile("features.npy"));
    EXPECT_FALSE(again->manifest().features_with_encodings());
  }
}

TEST(Propagate, RefusesValuesBeyondF16AndLeavesTheStoreAsItWas) {
  TempDir folder;
  ThreadPool pool(1);
  ImportedStore large = Star();
  large.features[4] = 1e6f;
  ASSERT_OK(WriteImportedStore(folder / "s", large));
  PropagateOptions options;
  options.dtype = DType::kF16;
  EXPECT_THAT(PropagateStore(folder / "s", options, pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bf16")));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  EXPECT_FALSE(store->HasFile("features.npy"));
  EXPECT_EQ(store->FindStep("propagate"), nullptr);
}

TEST(Propagate, RefusesSumsThatPassTheLargestNumber) {
  TempDir folder;
  ThreadPool pool(2);
  ImportedStore large = Star();
  large.features.assign(large.features.size(), 3e38f);  // the hub's sum is 1.31 times as much
  ASSERT_OK(WriteImportedStore(folder / "s", large));
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    PropagateOptions options;
    options.dtype = dtype;
    EXPECT_THAT(PropagateStore(folder / "s", options, pool),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("hop 1 of node 0"), HasSubstr("column 0, is inf"),
                               HasSubstr("scale the features down"))));
  }
}

TEST(Propagate, RefusesOptionsOutOfRange) {
  ThreadPool pool(1);
  PropagateOptions options;
  options.hops = -1;
  EXPECT_THAT(PropagateStore("none", options, pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hops is -1")));
  options = {};
  options.dtype = DType::kI32;
  EXPECT_THAT(PropagateStore("none", options, pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f32, f16 or bf16")));
}

}  // namespace
}  // namespace quadhop
