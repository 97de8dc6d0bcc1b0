// GPUs of the ranks.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

namespace quadhop {

bool IsBuiltWithCuda();

// Whether a rank that is `local_rank` among those of its host finds a GPU that quadhop computes on.
// Built without CUDA: false.
bool RankHasGpu(int local_rank);
// Of the GPU that it finds, "NVIDIA H200"; "": none.
std::string GpuName(int local_rank);
// Bytes that are free on it. kUnavailable: there is none.
absl::StatusOr<int64_t> FreeGpuBytes(int local_rank);

}  // namespace quadhop
