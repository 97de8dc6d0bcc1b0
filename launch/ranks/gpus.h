// GPUs of the ranks.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <string>

namespace quadhop {

using GpuId = std::array<char, 16>;

bool IsBuiltWithCuda();

// Whether a rank that is `local_rank` among those of its host finds a GPU that quadhop computes on.
// False if built without CUDA.
bool RankHasGpu(int local_rank);
// The name of the GPU that it finds, "NVIDIA H200"; "" if there is none.
std::string GpuName(int local_rank);
// What tells that GPU from all others. kUnavailable if there is none.
absl::StatusOr<GpuId> IdOfGpu(int local_rank);
// Bytes that are free on that GPU. kUnavailable if there is none.
absl::StatusOr<int64_t> FreeGpuBytes(int local_rank);

}  // namespace quadhop
