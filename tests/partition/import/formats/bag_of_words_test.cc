// Features as wide as a vocabulary: kept sparse, or projected, and never dense on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/base/rng.h"
#include "partition/features/propagate.h"
#include "partition/import/import.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

constexpr int64_t kNodes = 4000, kWords = 10000, kWordsANode = 20;

class BagOfWords : public testing::Test {
 protected:
  BagOfWords() {
    std::vector<int32_t> indptr = {0}, ring = {0}, neighbors;
    for (int64_t v = 0; v < kNodes; ++v) {
      RandomStream random(1, RandomPurpose::kTest, static_cast<uint64_t>(v), 0);
      std::vector<int32_t> row;
      while (row.size() < kWordsANode) {
        row.push_back(static_cast<int32_t>(random.Below(kWords)));
        std::sort(row.begin(), row.end());
        row.erase(std::unique(row.begin(), row.end()), row.end());
      }
      words_.insert(words_.end(), row.begin(), row.end());
      indptr.push_back(static_cast<int32_t>(words_.size()));
      neighbors.push_back(static_cast<int32_t>((v + 1) % kNodes));
      ring.push_back(static_cast<int32_t>(neighbors.size()));
    }
    const std::vector<float> ones(words_.size(), 1), arcs(neighbors.size(), 1);
    const auto nnz = static_cast<int64_t>(words_.size());
    WriteZip(folder_ / "words.npz",
             {{"adj_data.npy", NpyOf<float>({kNodes}, arcs)},
              {"adj_indices.npy", NpyOf<int32_t>({kNodes}, neighbors)},
              {"adj_indptr.npy", NpyOf<int32_t>({kNodes + 1}, ring)},
              {"adj_shape.npy", NpyOf<int64_t>({2}, {kNodes, kNodes})},
              {"attr_data.npy", NpyOf<float>({nnz}, ones)},
              {"attr_indices.npy", NpyOf<int32_t>({nnz}, words_)},
              {"attr_indptr.npy", NpyOf<int32_t>({kNodes + 1}, indptr)},
              {"attr_shape.npy", NpyOf<int64_t>({2}, {kNodes, kWords})},
              {"labels.npy", NpyOf<int64_t>({kNodes}, std::vector<int64_t>(kNodes))}});
  }
  absl::StatusOr<std::unique_ptr<Store>> Imported(int32_t project) {
    ImportOptions options;
    options.from = folder_ / "words.npz";
    options.store = folder_ / "s.qh";
    options.project = project;
    QH_RETURN_IF_ERROR(Import(options, pool_).status());
    return Store::Open(options.store);
  }
  TempDir folder_;
  ThreadPool pool_{2};
  std::vector<int32_t> words_;  // of node after node
};

TEST_F(BagOfWords, IsStoredSparse) {
  ASSERT_OK_AND_ASSIGN(const auto store, Imported(0));
  EXPECT_EQ(store->manifest().features(), kWords);
  EXPECT_FALSE(store->HasFile("raw.npy"));
  ASSERT_OK_AND_ASSIGN(const NpyFile* indices, store->array("raw.indices.npy"));
  EXPECT_TRUE(std::equal(words_.begin(), words_.end(), indices->values<uint32_t>().begin()));
}

// Columns of +-1 / sqrt(256): lengths are kept to one part in sqrt(128) a node, and on average.
TEST_F(BagOfWords, KeepsLengthsWhereItIsProjected) {
  ASSERT_OK_AND_ASSIGN(const auto store, Imported(256));
  EXPECT_EQ(store->manifest().features(), 256);
  EXPECT_FALSE(store->HasFile("raw.indices.npy"));
  ASSERT_OK_AND_ASSIGN(const NpyFile* raw, store->array("raw.npy"));
  const absl::Span<const float> values = raw->values<float>();
  ASSERT_EQ(static_cast<int64_t>(values.size()), kNodes * 256);
  double sum = 0, largest = 0;
  for (size_t v = 0; v < kNodes; ++v) {
    double square = 0;
    for (size_t c = 0; c < 256; ++c) square += std::pow(values[v * 256 + c], 2);
    sum += square / kWordsANode;
    largest = std::max(largest, std::abs(square / kWordsANode - 1));
  }
  EXPECT_NEAR(sum / kNodes, 1, 0.01);
  EXPECT_LT(largest, 6 / std::sqrt(128.0));
}

TEST_F(BagOfWords, IsPropagatedAFewColumnsAtATime) {
  ASSERT_OK(Imported(0).status());
  PropagateOptions options;
  options.hops = 1;
  options.dtype = DType::kF16;
  options.memory_bytes = int64_t{70} << 20;  // dense it is 160 MB, twice
  ASSERT_OK(PropagateStore(folder_ / "s.qh", options, pool_));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder_ / "s.qh"));
  EXPECT_OK(store->VerifyAll(pool_));
  ASSERT_OK_AND_ASSIGN(const FeatureTable features, store->features());
  std::vector<float> row(static_cast<size_t>(features.row_size()));
  ConvertToFloat(features.dtype, features.data, features.row_size(), row.data());
  for (int64_t word = 0; word < kWords; ++word) {
    const auto has = [&](int64_t node) {
      const auto begin = words_.begin() + node * kWordsANode;
      return std::binary_search(begin, begin + kWordsANode, static_cast<int32_t>(word)) ? 1.0f
                                                                                        : 0.0f;
    };
    EXPECT_EQ(row[static_cast<size_t>(word)], has(0));
    // A ring: every row and column of A + I adds up to 3.
    EXPECT_NEAR(row[static_cast<size_t>(kWords + word)], (has(0) + has(1) + has(kNodes - 1)) / 3,
                1e-3);
  }
}

}  // namespace
}  // namespace quadhop
