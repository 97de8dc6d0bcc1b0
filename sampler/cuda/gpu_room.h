// How much of a GPU's free memory the graph may take beside training.
#pragma once

#include <algorithm>
#include <cstdint>

namespace quadhop {

// For what comes after the graph and is not planned: NCCL's buffers, and code that CUDA's libraries
// load when it is first called.
constexpr int64_t UnplannedGpuBytes(int64_t free_bytes) {
  return std::min(int64_t{1} << 30, free_bytes / 8);
}

// For feature rows if a step needs step_bytes: at least a quarter is left for arcs and all else.
constexpr int64_t RoomForRows(int64_t free_bytes, int64_t step_bytes) {
  const int64_t left = free_bytes - step_bytes - UnplannedGpuBytes(free_bytes);
  return std::max<int64_t>(0, std::min(free_bytes / 4 * 3, left));
}

// For the topology, once rows are there.
constexpr int64_t RoomForTopology(int64_t free_bytes, int64_t step_bytes) {
  const int64_t left = free_bytes - step_bytes - UnplannedGpuBytes(free_bytes);
  return std::max<int64_t>(0, std::min(free_bytes / 2, left));
}

}  // namespace quadhop
