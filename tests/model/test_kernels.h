// The backend that a test program tests: the same tests are linked with each.
#pragma once

#include <memory>

#include "core/thread_pool.h"
#include "model/kernels.h"

namespace quadhop {

// The CPU's kernels on `pool`, or, in programs of the CUDA backend, those of the GPU.
std::unique_ptr<Kernels> MakeTestKernels(ThreadPool& pool);

}  // namespace quadhop
