// GPUs of the ranks.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

namespace quadhop {

bool IsBuiltWithCuda();

// Whether a rank that is `local_rank` among those of its host finds a GPU that quadhop computes on.
// False if built without CUDA.
bool RankHasGpu(int local_rank);
// The name of the GPU that it finds, "NVIDIA H200"; "" if there is none.
std::string GpuName(int local_rank);
// This rank's share of the bytes that are free on that GPU, which it may share with others of its
// host. kUnavailable if there is none.
absl::StatusOr<int64_t> FreeGpuBytes(int local_rank, int ranks_on_host);

}  // namespace quadhop
