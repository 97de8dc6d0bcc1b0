#include "core/base/check.h"
#include "tests/model/test_kernels.h"

namespace quadhop {

std::unique_ptr<Kernels> MakeTestKernels(ThreadPool&, int local_rank) {
  absl::StatusOr<std::unique_ptr<Kernels>> kernels = MakeCudaKernels(local_rank, Precision::kF32);
  if (!kernels.ok())
    internal::CheckFailed(__FILE__, __LINE__, std::string(kernels.status().message()));
  return *std::move(kernels);
}

}  // namespace quadhop
