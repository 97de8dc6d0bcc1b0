#include <absl/strings/str_cat.h>
#include <cuda_bf16.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/cuda/cuda_device.h"
#include "core/cuda/cuda_status.h"
#include "launch/bench/bench_machine.h"
#include "model/cuda/products_cuda.h"
#include "sampler/cuda/device_rows_cuda.h"

namespace quadhop {
namespace {

using cuda::Buffer;
using cuda::Device;

// Zeros would not do: the less power products take, the higher the GPU's clock.
template <typename T>
std::vector<T> RandomValues(int64_t count) {
  RandomStream random(1, RandomPurpose::kTest, 0, 2);
  std::vector<T> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(T(static_cast<float>(random.Normal())));
  return values;
}

class GpuMachine final : public BenchMachine {
 public:
  // `full`: kernels in full precision; `reduced`: those that BF16 and TF32 share.
  GpuMachine(std::unique_ptr<Device> device, std::unique_ptr<Kernels> full,
             std::unique_ptr<Kernels> reduced)
      : device_(std::move(device)), full_(std::move(full)), reduced_(std::move(reduced)) {}

  std::string name() const override { return device_->name(); }
  Kernels& kernels(Precision precision) override {
    return precision == Precision::kF32 ? *full_ : *reduced_;
  }
  absl::StatusOr<std::unique_ptr<DeviceRows>> TakeRows(const FeatureTable& table) override {
    ThreadPool pool(1);
    return MakeCudaDeviceRows(
        table, /*local_rank=*/0, /*device_bytes=*/std::numeric_limits<int64_t>::max(),
        [](int64_t) { return std::vector<GlobalId>(); }, pool);
  }
  std::vector<Precision> precisions() const override {
    return {Precision::kF32, Precision::kTF32, Precision::kBF16};
  }

  absl::StatusOr<double> ProductPeak(Precision precision) override {
    if (precision == Precision::kBF16)
      return ProductPeakOf<__nv_bfloat16>(cuda::FloatOperands::kF32);
    return ProductPeakOf<float>(precision == Precision::kF32 ? cuda::FloatOperands::kF32
                                                             : cuda::FloatOperands::kTF32);
  }

  absl::StatusOr<double> CopyRate() override {
    constexpr size_t kBytes = size_t{1} << 30;
    const Buffer<char> from(*device_, kBytes), to(*device_, kBytes);
    device_->Zero(from.data(), kBytes);
    QH_ASSIGN_OR_RETURN(
        const double seconds, QuickestSeconds([&] {
          device_->Note(QH_CUDA_STATUS(cudaMemcpyAsync(to.data(), from.data(), kBytes,
                                                       cudaMemcpyDefault, device_->stream())));
        }));
    return 1e-9 * static_cast<double>(kBytes) / seconds;
  }

  void ResetPeakBytes() override {
    uint64_t none = 0;
    device_->Note(Pool(cudaMemPoolSetAttribute, cudaMemPoolAttrUsedMemHigh, none));
    device_->Note(QH_CUDA_STATUS(cudaDeviceSetGraphMemAttribute(
        device_->ordinal(), cudaGraphMemAttrReservedMemHigh, &none)));
  }
  absl::StatusOr<int64_t> PeakBytes() override {
    uint64_t bytes = 0, of_recordings = 0;
    QH_RETURN_IF_ERROR(Pool(cudaMemPoolGetAttribute, cudaMemPoolAttrUsedMemHigh, bytes));
    QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaDeviceGetGraphMemAttribute(
        device_->ordinal(), cudaGraphMemAttrReservedMemHigh, &of_recordings)));
    return static_cast<int64_t>(bytes + of_recordings);
  }

 private:
  // Seconds that the device takes for what `queue` asks for: the quickest of five times.
  template <typename Queue>
  absl::StatusOr<double> QuickestSeconds(const Queue& queue) {
    double quickest = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 6; ++i) {  // the first warms up
      QH_RETURN_IF_ERROR(device_->Synchronize());
      const Stopwatch watch;
      queue();
      QH_RETURN_IF_ERROR(device_->Synchronize());
      if (i > 0) quickest = std::min(quickest, watch.Seconds());
    }
    return quickest;
  }

  template <typename T>
  absl::StatusOr<double> ProductPeakOf(cuda::FloatOperands operands) {
    constexpr int64_t kSide = 8192;
    QH_ASSIGN_OR_RETURN(const auto products, cuda::MakeProducts(*device_, operands));
    const Buffer<T> a(*device_, kSide * kSide), b(*device_, kSide * kSide);
    const Buffer<float> c(*device_, kSide * kSide);
    // Rows differ: they begin at different places in `values`.
    const std::vector<T> values = RandomValues<T>(17 * kSide);
    for (int64_t row = 0; row < kSide; ++row)
      for (const Buffer<T>* operand : {&a, &b})
        device_->Upload(values.data() + (operand == &a ? row * 13 : row * 11 + 5),
                        kSide * sizeof(T), operand->data() + row * kSide);
    QH_ASSIGN_OR_RETURN(const double seconds, QuickestSeconds([&] {
                          products->Multiply(kSide, kSide, kSide, {a.data(), kSide},
                                             {b.data(), kSide}, 0, {c.data(), kSide});
                        }));
    return 2e-9 * kSide * kSide * kSide / seconds;
  }

  // All device memory of the process is from its default pool, except for what recordings take.
  absl::Status Pool(cudaError_t (*call)(cudaMemPool_t, cudaMemPoolAttr, void*),
                    cudaMemPoolAttr attribute, uint64_t& value) const {
    cudaMemPool_t pool = nullptr;
    QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaDeviceGetDefaultMemPool(&pool, device_->ordinal())));
    return QH_CUDA_STATUS(call(pool, attribute, &value));
  }

  const std::unique_ptr<Device> device_;
  const std::unique_ptr<Kernels> full_, reduced_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BenchMachine>> MakeGpuMachine() {
  QH_ASSIGN_OR_RETURN(auto device, Device::Open(/*local_rank=*/0));
  QH_ASSIGN_OR_RETURN(auto full, MakeCudaKernels(/*local_rank=*/0, Precision::kF32));
  QH_ASSIGN_OR_RETURN(auto reduced, MakeCudaKernels(/*local_rank=*/0, Precision::kBF16));
  return std::make_unique<GpuMachine>(std::move(device), std::move(full), std::move(reduced));
}

}  // namespace quadhop
