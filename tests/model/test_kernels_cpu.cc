#include "tests/model/test_kernels.h"

namespace quadhop {

std::unique_ptr<Kernels> MakeTestKernels(ThreadPool& pool, int) { return MakeCpuKernels(pool); }

}  // namespace quadhop
