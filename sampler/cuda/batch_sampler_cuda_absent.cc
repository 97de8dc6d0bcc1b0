#include "sampler/cuda/batch_sampler_cuda.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<BatchSampler>> MakeCudaBatchSampler(const Topology&,
                                                                   const SamplerOptions&, int,
                                                                   int64_t) {
  return absl::UnavailableError(
      "sampler.backend is CUDA, but this program was built without CUDA: configure it with cmake "
      "--preset cuda, or set sampler.backend=CPU");
}

}  // namespace quadhop
