// A machine that training steps are measured on, and how fast it is at best.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/batch/device_rows.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "model/kernels/kernels.h"
#include "model/kernels/options.h"

namespace quadhop {

// The processors of this machine, or its first GPU. Used by one thread.
class BenchMachine {
 public:
  virtual ~BenchMachine() = default;

  virtual std::string name() const = 0;
  virtual Kernels& kernels(Precision precision) = 0;
  virtual std::vector<Precision> precisions() const = 0;

  // GFLOP/s of large matrix products.
  virtual absl::StatusOr<double> ProductPeak(Precision precision) = 0;
  // GB/s of copying between buffers larger than the caches, with each byte counted once.
  virtual absl::StatusOr<double> CopyRate() = 0;

  // The rows of `table`, gathered by the machine; nullptr: the host gathers them. The table is
  // borrowed.
  virtual absl::StatusOr<std::unique_ptr<DeviceRows>> TakeRows(const FeatureTable& table) = 0;

  // The most memory held since ResetPeakBytes: by the process, or by the process on the GPU.
  virtual void ResetPeakBytes() = 0;
  virtual absl::StatusOr<int64_t> PeakBytes() = 0;
};

// Uses all threads of `pool`, each on its own; `pool` is borrowed.
std::unique_ptr<BenchMachine> MakeHostMachine(ThreadPool& pool);
// kUnavailable without a GPU, or if the program was built without CUDA.
absl::StatusOr<std::unique_ptr<BenchMachine>> MakeGpuMachine();

}  // namespace quadhop
