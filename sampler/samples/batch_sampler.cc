#include "sampler/samples/batch_sampler.h"

#include <vector>

#include "core/base/check.h"

namespace quadhop {
namespace {

constexpr int64_t kBlockNodes = 16;

class HostBatchSampler final : public BatchSampler {
 public:
  HostBatchSampler(const Topology& topology, const SamplerOptions& options)
      : sampler_(topology, options) {}

  absl::Status Sample(int64_t epoch, absl::Span<const GlobalId> nodes, absl::Span<GlobalId> out,
                      ThreadPool& pool) override {
    const auto k = static_cast<size_t>(sampler_.options().sampled_nodes);
    QH_CHECK_EQ(out.size(), nodes.size() * k);
    scratch_.resize(static_cast<size_t>(pool.num_threads()));
    const auto num_nodes = static_cast<int64_t>(nodes.size());
    pool.ParallelFor(NumBlocks(num_nodes, kBlockNodes), [&](int64_t block, int worker) {
      TwoHopSampler::Scratch& scratch = scratch_[static_cast<size_t>(worker)];
      const BlockRange range = Block(block, num_nodes, kBlockNodes);
      for (auto i = static_cast<size_t>(range.begin); i < static_cast<size_t>(range.end); ++i) {
        if (i + 1 < nodes.size()) sampler_.Prefetch(nodes[i + 1]);
        sampler_.Sample(epoch, nodes[i], out.subspan(i * k, k), scratch);
      }
    });
    return absl::OkStatus();
  }

 private:
  const TwoHopSampler sampler_;
  std::vector<TwoHopSampler::Scratch> scratch_;  // [num_threads]
};

}  // namespace

std::unique_ptr<BatchSampler> MakeHostBatchSampler(const Topology& topology,
                                                   const SamplerOptions& options) {
  return std::make_unique<HostBatchSampler>(topology, options);
}

}  // namespace quadhop
