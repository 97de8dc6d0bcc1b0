// Additions of rows in the memory of a GPU.
#pragma once

#include <memory>

#include "comm/row_adder.h"
#include "core/cuda/cuda_device.h"

namespace quadhop::cuda {

// One kernel makes all additions of a call, a thread a column, so that digits are those of the
// order. `device` must outlive it.
std::unique_ptr<RowAdder> MakeRowAdder(Device& device);

}  // namespace quadhop::cuda
