// The kernel that gathers feature rows, one warp per row.
#pragma once

#include <cstdint>

#include "core/arrays/dtype.h"
#include "core/cuda/cuda_device.h"

namespace quadhop::cuda {

// Where kernels read rows of `row_size` values, as they are stored.
struct ReadableRows {
  const void* on_device;  // [rows on the device, row_size]
  const int32_t* place;   // [N]: the row of a node on the device, -1: it is on the host;
                          // nullptr: all are on the device, in their order
  const void* on_host;    // [N, row_size]; not read if `place` is nullptr
  int64_t row_size;
};

// Queues: out [num_nodes, row_size] becomes the rows of `nodes` as floats. dtype: kF32, kF16 or
// kBF16. All memory is the device's, or readable there.
void GatherRows(Device& device, const ReadableRows& rows, DType dtype, const int64_t* nodes,
                int64_t num_nodes, float* out);

}  // namespace quadhop::cuda
