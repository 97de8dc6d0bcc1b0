#include "model/kernels/kernels.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Kernels>> MakeCudaKernels(int, Precision) {
  return absl::UnavailableError(
      "built without CUDA: configure with -DQH_CUDA=ON (cmake --preset cuda), or set "
      "model.backend=CPU");
}

}  // namespace quadhop
