#include "sampler/feature_source.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/dtype.h"

namespace quadhop {
namespace {

constexpr int64_t kBlockRows = 64;
constexpr int64_t kRowsAhead = 3;
constexpr int64_t kCacheLineBytes = 64;
// The processor's own prefetcher reads on by itself: asking for whole rows measured slower than not
// asking at all.
constexpr int64_t kPrefetchBytes = 4 * kCacheLineBytes;

class MappedFeatureSource : public FeatureSource {
 public:
  explicit MappedFeatureSource(const FeatureTable& table) : table_(table) {}

  int64_t hops_and_self() const override { return table_.hops_and_self; }
  int64_t width() const override { return table_.width; }

 private:
  absl::Status DoGather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                        ThreadPool& pool) override {
    const auto num_rows = static_cast<int64_t>(nodes.size());
    pool.ParallelFor(NumBlocks(num_rows, kBlockRows), [&](int64_t block, int) {
      const BlockRange rows = Block(block, num_rows, kBlockRows);
      for (int64_t i = rows.begin; i < std::min(rows.begin + kRowsAhead, rows.end); ++i)
        PrefetchRow(nodes[static_cast<size_t>(i)]);
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        if (i + kRowsAhead < rows.end) PrefetchRow(nodes[static_cast<size_t>(i + kRowsAhead)]);
        CopyRow(nodes[static_cast<size_t>(i)], out.row(i));
      }
    });
    return absl::OkStatus();
  }

  const uint8_t* Row(GlobalId node) const {
    return static_cast<const uint8_t*>(table_.data) + node.value() * table_.row_bytes();
  }
  void PrefetchRow(GlobalId node) const {
    const uint8_t* row = Row(node);
    for (int64_t at = 0; at < std::min(table_.row_bytes(), kPrefetchBytes); at += kCacheLineBytes)
      __builtin_prefetch(row + at);
  }
  void CopyRow(GlobalId node, float* out) const {
    QH_CHECK_LT(node.value(), table_.num_nodes);
    if (table_.dtype == DType::kF32)
      std::memcpy(out, Row(node), static_cast<size_t>(table_.row_bytes()));
    else
      ConvertToFloat(table_.dtype, Row(node), table_.row_size(), out);
  }

  FeatureTable table_;
};

}  // namespace

absl::Status FeatureSource::Gather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                                   ThreadPool& pool) {
  QH_CHECK(out.HasDims({static_cast<int64_t>(nodes.size()), hops_and_self(), width()}));
  return DoGather(nodes, out, pool);
}

std::unique_ptr<FeatureSource> MakeMappedFeatureSource(const FeatureTable& table) {
  return std::make_unique<MappedFeatureSource>(table);
}

}  // namespace quadhop
