#include "launch/ranks/gpus.h"

namespace quadhop {

bool IsBuiltWithCuda() { return false; }
bool RankHasGpu(int) { return false; }
std::string GpuName(int) { return ""; }

}  // namespace quadhop
