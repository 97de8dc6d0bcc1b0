#include "sampler/cuda/device_rows_cuda.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "sampler/cuda/row_table.h"

namespace quadhop::cuda {
namespace {

class CudaDeviceRows final : public DeviceRows {
 public:
  CudaDeviceRows(std::unique_ptr<Device> device, const FeatureTable& table, RowTable rows)
      : device_(std::move(device)),
        hops_and_self_(table.hops_and_self),
        width_(table.width),
        rows_(std::move(rows)) {}

  int64_t hops_and_self() const override { return hops_and_self_; }
  int64_t width() const override { return width_; }

  void Gather(Memory& memory, const GlobalId* nodes, int64_t num_nodes, float* out) const override {
    QH_CHECK(!memory.is_host());
    rows_.Gather(static_cast<Device&>(memory), nodes, num_nodes, out);
  }

 private:
  const std::unique_ptr<Device> device_;  // owns the memory of the rows
  const int64_t hops_and_self_, width_;
  const RowTable rows_;
};

absl::StatusOr<RowTable> TakeRows(Device& device, const FeatureTable& table, int64_t device_bytes,
                                  const HottestNodes& hottest, ThreadPool& pool) {
  const int64_t num_rows = NumRowsOnDevice(table.num_nodes, table.row_bytes(), device_bytes);
  if (num_rows == table.num_nodes) return RowTable::OnDevice(device, table, pool);
  QH_ASSIGN_OR_RETURN(const std::vector<GlobalId> hot, hottest(num_rows));
  return RowTable::WithHotSet(device, table, hot, pool);
}

}  // namespace
}  // namespace quadhop::cuda

namespace quadhop {

absl::StatusOr<std::unique_ptr<DeviceRows>> MakeCudaDeviceRows(const FeatureTable& table,
                                                               int local_rank, int64_t device_bytes,
                                                               const HottestNodes& hottest,
                                                               ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(auto device, cuda::Device::Open(local_rank));
  QH_ASSIGN_OR_RETURN(cuda::RowTable rows,
                      cuda::TakeRows(*device, table, device_bytes, hottest, pool));
  return std::make_unique<cuda::CudaDeviceRows>(std::move(device), table, std::move(rows));
}

}  // namespace quadhop
