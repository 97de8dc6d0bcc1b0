#include "core/cuda/cuda_status.h"

#include <absl/strings/str_cat.h>

#include <string>

namespace quadhop::cuda {

absl::Status CudaStatus(cudaError_t code, absl::string_view call, const char* file, int line) {
  if (code == cudaSuccess) return absl::OkStatus();
  const std::string what = absl::StrCat(call, " at ", file, ":", line, ": ", cudaGetErrorName(code),
                                        " (", cudaGetErrorString(code), ")");
  switch (code) {
    case cudaErrorMemoryAllocation:
      return absl::ResourceExhaustedError(
          absl::StrCat(what, "; lower train.batch or sampler.sampled_nodes, or use more GPUs"));
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      return absl::UnavailableError(
          absl::StrCat(what, "; see nvidia-smi, or set model.backend=CPU"));
    default:
      return absl::InternalError(what);
  }
}

}  // namespace quadhop::cuda
