// Additions of rows in the memory of a GPU.
#pragma once

#include <memory>

#include "comm/sums/row_adder.h"
#include "core/cuda/cuda_device.h"

namespace quadhop::cuda {

// One kernel makes all additions of a call, one thread per column, so that the digits are those of
// the given order. `device` must outlive it.
std::unique_ptr<RowAdder> MakeRowAdder(Device& device);

}  // namespace quadhop::cuda
