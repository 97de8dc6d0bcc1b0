#include "sampler/features/feature_source.h"

#include <vector>

#include "core/base/check.h"
#include "sampler/features/row_copy.h"

namespace quadhop {
namespace {

class MappedFeatureSource : public FeatureSource {
 public:
  explicit MappedFeatureSource(const FeatureTable& table) : table_(table) {}

  int64_t hops_and_self() const override { return table_.hops_and_self; }
  int64_t width() const override { return table_.width; }

 private:
  absl::Status DoGather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                        ThreadPool& pool) override {
    rows_.resize(nodes.size());
    for (size_t i = 0; i < nodes.size(); ++i) {
      QH_CHECK_LT(nodes[i].value(), table_.num_nodes);
      rows_[i] = static_cast<const uint8_t*>(table_.data) + nodes[i].value() * table_.row_bytes();
    }
    CopyRowsToFloat(table_.dtype, table_.row_size(), rows_, out.data(), pool);
    return absl::OkStatus();
  }

  FeatureTable table_;
  std::vector<const uint8_t*> rows_;  // [U]
};

}  // namespace

absl::Status FeatureSource::Fetch(absl::Span<const GlobalId>, ThreadPool&) {
  return absl::OkStatus();
}

absl::Status FeatureSource::Gather(absl::Span<const GlobalId> nodes, TensorView<float> out,
                                   ThreadPool& pool) {
  QH_CHECK(out.HasDims({static_cast<int64_t>(nodes.size()), hops_and_self(), width()}));
  return DoGather(nodes, out, pool);
}

std::unique_ptr<FeatureSource> MakeMappedFeatureSource(const FeatureTable& table) {
  return std::make_unique<MappedFeatureSource>(table);
}

}  // namespace quadhop
