// Return codes of the CUDA runtime as statuses.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <cuda_runtime.h>

// The status of a CUDA runtime call, naming the call and the place.
#define QH_CUDA_STATUS(call) ::quadhop::cuda::CudaStatus((call), #call, __FILE__, __LINE__)

namespace quadhop::cuda {

// kResourceExhausted: no device memory left. kUnavailable: no driver or no device. Else kInternal.
absl::Status CudaStatus(cudaError_t code, absl::string_view call, const char* file, int line);

}  // namespace quadhop::cuda
