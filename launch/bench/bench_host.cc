#include <absl/strings/str_cat.h>

#include <cstring>

#include "core/arrays/tensor.h"
#include "core/base/counted.h"
#include "core/base/stopwatch.h"
#include "launch/bench/bench_machine.h"
#include "launch/memory/peak_memory.h"
#include "model/cpu/gemm.h"

namespace quadhop {
namespace {

// Seconds of the quickest of five calls of `work(thread)` on all threads at once.
template <typename Work>
double QuickestSeconds(ThreadPool& pool, const Work& work) {
  double quickest = 0;
  for (int i = 0; i < 6; ++i) {  // the first warms up
    const Stopwatch watch;
    pool.ParallelFor(pool.num_threads(), [&](int64_t item, int) { work(item); });
    const double seconds = watch.Seconds();
    if (i == 1 || (i > 1 && seconds < quickest)) quickest = seconds;
  }
  return quickest;
}

template <typename T>
double ProductPeakOf(ThreadPool& pool) {
  constexpr int64_t kSide = 1536;
  const Tensor<T> a({kSide, kSide}), b({kSide, kSide});
  std::vector<Tensor<float>> c(static_cast<size_t>(pool.num_threads()));
  for (Tensor<float>& of_thread : c) of_thread.Resize({kSide, kSide});
  const double seconds = QuickestSeconds(pool, [&](int64_t thread) {
    cpu::Gemm(kSide, kSide, kSide, {a.data(), kSide}, {b.data(), kSide}, 0,
              c[static_cast<size_t>(thread)].data(), kSide);
  });
  return 2e-9 * kSide * kSide * kSide * pool.num_threads() / seconds;
}

class HostMachine final : public BenchMachine {
 public:
  explicit HostMachine(ThreadPool& pool) : pool_(pool), kernels_(MakeCpuKernels(pool)) {}

  std::string name() const override {
    return absl::StrCat("this machine, ", Counted(pool_.num_threads(), "thread"));
  }
  Kernels& kernels(Precision) override { return *kernels_; }
  absl::StatusOr<std::unique_ptr<DeviceRows>> TakeRows(const FeatureTable&) override {
    return nullptr;
  }
  std::vector<Precision> precisions() const override {
    if (!ProcessorHasBF16Products()) return {Precision::kF32};
    return {Precision::kF32, Precision::kBF16};
  }

  absl::StatusOr<double> ProductPeak(Precision precision) override {
    return precision == Precision::kBF16 ? ProductPeakOf<BFloat16>(pool_)
                                         : ProductPeakOf<float>(pool_);
  }

  absl::StatusOr<double> CopyRate() override {
    constexpr size_t kBytes = size_t{256} << 20;
    const size_t threads = static_cast<size_t>(pool_.num_threads());
    const std::vector<uint8_t> from(threads * kBytes, 1);
    std::vector<uint8_t> to(threads * kBytes);
    const double seconds = QuickestSeconds(pool_, [&](int64_t thread) {
      const size_t at = static_cast<size_t>(thread) * kBytes;
      std::memcpy(to.data() + at, from.data() + at, kBytes);
    });
    return 1e-9 * static_cast<double>(threads * kBytes) / seconds;
  }

  void ResetPeakBytes() override { ResetPeakResidentBytes(); }
  absl::StatusOr<int64_t> PeakBytes() override { return PeakResidentBytes(); }

 private:
  ThreadPool& pool_;
  const std::unique_ptr<Kernels> kernels_;
};

}  // namespace

std::unique_ptr<BenchMachine> MakeHostMachine(ThreadPool& pool) {
  return std::make_unique<HostMachine>(pool);
}

}  // namespace quadhop
