#include "launch/ranks/gpus.h"

namespace quadhop {

bool IsBuiltWithCuda() { return false; }
bool RankHasGpu(int) { return false; }
std::string GpuName(int) { return ""; }
absl::StatusOr<int64_t> FreeGpuBytes(int, int) {
  return absl::UnavailableError("this program was built without CUDA");
}

}  // namespace quadhop
