// Compiled without fused multiply-adds that the source does not spell out (Moments), like the
// host's code.
#include <utility>
#include <vector>

#include "comm/cuda/row_adder_cuda.h"
#include "core/base/status.h"
#include "core/cuda/threads.cuh"

namespace quadhop::cuda {
namespace {

template <typename T>
__global__ void AddRowsKernel(T* rows, int64_t num_columns, const RowAddition* additions,
                              int64_t num_additions) {
  const int64_t column = ThreadOfGrid();
  if (column >= num_columns) return;
  for (int64_t i = 0; i < num_additions; ++i)
    rows[additions[i].to * num_columns + column] += rows[additions[i].from * num_columns + column];
}

class CudaRowAdder final : public RowAdder {
 public:
  explicit CudaRowAdder(Device& device) : device_(device) {}
  explicit CudaRowAdder(std::unique_ptr<Device> device)
      : owned_(std::move(device)), device_(*owned_) {}

  Memory& memory() override { return device_; }

  void Add(RowElement element, std::byte* rows, int64_t num_columns,
           absl::Span<const RowAddition> additions) override {
    switch (element) {
      case RowElement::kFloat:
        return Launch<float>(rows, num_columns, additions);
      case RowElement::kDouble:
        return Launch<double>(rows, num_columns, additions);
      case RowElement::kInt64:
        return Launch<int64_t>(rows, num_columns, additions);
      case RowElement::kMoments:
        return Launch<Moments>(rows, num_columns, additions);
    }
  }

  absl::StatusOr<std::unique_ptr<RowAdder>> OnNewStream() override {
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Device> device, device_.NewDeviceStream());
    return std::make_unique<CudaRowAdder>(std::move(device));
  }

 private:
  template <typename T>
  void Launch(std::byte* rows, int64_t num_columns, absl::Span<const RowAddition> additions) {
    if (additions.empty() || num_columns == 0) return;
    device_.Launch(AddRowsKernel<T>, {BlocksOfThreads(num_columns), kBlockThreads},
                   reinterpret_cast<T*>(rows), num_columns, OnDevice(additions),
                   static_cast<int64_t>(additions.size()));
  }

  // The sums of a job use the same few lists of additions again and again.
  const RowAddition* OnDevice(absl::Span<const RowAddition> additions) {
    for (const List& list : lists_)
      if (absl::MakeConstSpan(list.additions) == additions) return list.on_device.data();
    List& list = lists_.emplace_back();
    list.additions.assign(additions.begin(), additions.end());
    list.on_device.Reserve(device_, static_cast<int64_t>(additions.size()));
    device_.Upload(additions.data(), additions.size() * sizeof(RowAddition), list.on_device.data());
    return list.on_device.data();
  }

  struct List {
    std::vector<RowAddition> additions;
    Buffer<RowAddition> on_device;
  };
  const std::unique_ptr<Device> owned_;  // set by OnNewStream
  Device& device_;
  std::vector<List> lists_;
};

}  // namespace

std::unique_ptr<RowAdder> MakeRowAdder(Device& device) {
  return std::make_unique<CudaRowAdder>(device);
}

}  // namespace quadhop::cuda
