#include "launch/ranks/gpus.h"

namespace quadhop {

bool IsBuiltWithCuda() { return false; }
bool RankHasGpu(int) { return false; }
std::string GpuName(int) { return ""; }
absl::StatusOr<GpuId> IdOfGpu(int) {
  return absl::UnavailableError("this program was built without CUDA");
}
absl::StatusOr<int64_t> FreeGpuBytes(int) {
  return absl::UnavailableError("this program was built without CUDA");
}

}  // namespace quadhop
