#include "sampler/cuda/batch_sampler_cuda.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/cuda/readable.h"
#include "sampler/cuda/two_hop_kernel.h"

namespace quadhop::cuda {
namespace {

static_assert(sizeof(GlobalId) == sizeof(int64_t));  // ids travel as they are

class CudaBatchSampler final : public BatchSampler {
 public:
  CudaBatchSampler(std::unique_ptr<Device> device, const SamplerOptions& options)
      : device_(std::move(device)),
        options_(options),
        room_(RoomForSamples(options.sampled_nodes - 1)) {}

  absl::Status Take(const Topology& topology, int64_t device_bytes) {
    if (SampleSharedBytes(room_) > device_->shared_bytes_per_block())
      return absl::InvalidArgumentError(absl::StrCat(
          "sampler.sampled_nodes is ", options_.sampled_nodes, ", which takes ",
          SampleSharedBytes(room_), " bytes of a block's shared memory, but ", device_->name(),
          " has ", device_->shared_bytes_per_block(), ": lower it, or set sampler.backend=CPU"));
    const size_t indptr_bytes = topology.indptr.size() * sizeof(int64_t);
    const bool narrow = !topology.indices32.empty();
    const void* indices = narrow ? static_cast<const void*>(topology.indices32.data())
                                 : static_cast<const void*>(topology.indices64.data());
    const size_t indices_bytes = narrow ? topology.indices32.size() * sizeof(uint32_t)
                                        : topology.indices64.size() * sizeof(int64_t);
    const bool fits = DeviceTopologyBytes(topology, device_bytes) == topology.num_bytes();
    const auto take = [&](const void* host, size_t bytes) {
      return fits ? Readable::OnDevice(*device_, host, bytes) : Readable::OnHost(host, bytes);
    };
    QH_ASSIGN_OR_RETURN(indptr_, take(topology.indptr.data(), indptr_bytes));
    QH_ASSIGN_OR_RETURN(indices_, take(indices, indices_bytes));
    num_nodes_ = topology.num_nodes();
    narrow_ = narrow;
    return absl::OkStatus();
  }

  absl::Status Sample(int64_t epoch, absl::Span<const GlobalId> nodes, absl::Span<GlobalId> out,
                      ThreadPool&) override {
    const auto k = static_cast<size_t>(options_.sampled_nodes);
    QH_CHECK_EQ(out.size(), nodes.size() * k);
    const auto num_nodes = static_cast<int64_t>(nodes.size());
    nodes_.Reserve(*device_, num_nodes);
    out_.Reserve(*device_, static_cast<int64_t>(out.size()));
    device_->Upload(nodes.data(), nodes.size() * sizeof(GlobalId), nodes_.data());
    const SampleJob job = {nodes_.data(),
                           out_.data(),
                           options_.seed,
                           options_.DrawnEpoch(epoch),
                           options_.method == SamplerOptions::Method::kExact,
                           room_};
    if (narrow_)
      Launch<uint32_t>(job, num_nodes);
    else
      Launch<int64_t>(job, num_nodes);
    device_->Download(out_.data(), out.size() * sizeof(GlobalId), out.data());
    return device_->status();
  }

 private:
  template <typename Index>
  void Launch(const SampleJob& job, int64_t num_nodes) {
    const ReadableTopology<Index> topology = {static_cast<const int64_t*>(indptr_.data()),
                                              static_cast<const Index*>(indices_.data()),
                                              num_nodes_};
    SampleNodes(*device_, topology, job, num_nodes);
  }

  const std::unique_ptr<Device> device_;
  const SamplerOptions options_;
  const SampleRoom room_;
  Readable indptr_, indices_;
  int64_t num_nodes_ = 0;
  bool narrow_ = false;  // ids of 32 bits
  Buffer<int64_t> nodes_, out_;
};

}  // namespace
}  // namespace quadhop::cuda

namespace quadhop {

absl::StatusOr<std::unique_ptr<BatchSampler>> MakeCudaBatchSampler(const Topology& topology,
                                                                   const SamplerOptions& options,
                                                                   int local_rank,
                                                                   int64_t device_bytes) {
  QH_CHECK_GE(options.sampled_nodes, 1);
  QH_ASSIGN_OR_RETURN(auto device, cuda::Device::Open(local_rank, cuda::Device::Priority::kAhead));
  auto sampler = std::make_unique<cuda::CudaBatchSampler>(std::move(device), options);
  QH_RETURN_IF_ERROR(sampler->Take(topology, device_bytes));
  return sampler;
}

}  // namespace quadhop
