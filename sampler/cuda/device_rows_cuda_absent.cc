#include "sampler/cuda/device_rows_cuda.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<DeviceRows>> MakeCudaDeviceRows(const FeatureTable&, int, int64_t,
                                                               const HottestNodes&, ThreadPool&) {
  return absl::UnavailableError(
      "feature rows are wanted on a GPU, but this program was built without CUDA: configure it "
      "with cmake --preset cuda, or set sampler.backend=CPU");
}

}  // namespace quadhop
