#include <limits>

#include "core/base/check.h"
#include "tests/model/test_kernels.h"

namespace quadhop {

std::unique_ptr<Kernels> MakeTestKernels(ThreadPool& pool, Precision, int) {
  return MakeCpuKernels(pool);
}

std::vector<Precision> TestPrecisions() { return {Precision::kF32, Precision::kBF16}; }

bool HasPrecision(Precision precision) {
  return precision != Precision::kBF16 || ProcessorHasBF16Products();
}

std::vector<int64_t> TestPartitions() { return {0, 30, 290, 300, 350}; }

std::vector<TestExchange> TestExchanges() {
  return {{"Threads", false, [] { return std::numeric_limits<int32_t>::max(); },
           [](Communicator& comm, Kernels&) { return *comm.Duplicate(); }}};
}

}  // namespace quadhop
