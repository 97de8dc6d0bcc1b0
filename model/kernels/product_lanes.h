// What matrix products on a GPU take for themselves. Without CUDA, so that memory can be planned
// anywhere.
#pragma once

#include <cstdint>

namespace quadhop {

// Small products leave most of a GPU idle: so many are made beside each other.
inline constexpr int kProductLanes = 4;
// Of each lane. NVIDIA's advice for Hopper: https://docs.nvidia.com/cuda/cublas/
inline constexpr int64_t kProductWorkspaceBytes = int64_t{32} << 20;

}  // namespace quadhop
