#include <limits>

#include "comm/collectives/staged_communicator.h"
#include "comm/nccl/nccl.h"
#include "core/base/check.h"
#include "core/cuda/cuda_device.h"
#include "tests/model/test_kernels.h"

namespace quadhop {
namespace {

template <typename T>
T Checked(absl::StatusOr<T> made) {
  if (!made.ok()) internal::CheckFailed(__FILE__, __LINE__, std::string(made.status().message()));
  return *std::move(made);
}

// 0 without NCCL.
int32_t MostRanksOfNccl() {
  if (cuda::NumVisibleDevices() == 0) return 0;
  const auto made = MakeNcclCommunicator(*MakeSoloCommunicator(), 0, absl::Seconds(60));
  return made.ok() ? cuda::NumVisibleDevices() : 0;
}

}  // namespace

std::unique_ptr<Kernels> MakeTestKernels(ThreadPool&, Precision precision, int local_rank) {
  return Checked(MakeCudaKernels(local_rank, precision));
}

std::vector<Precision> TestPrecisions() {
  return {Precision::kF32, Precision::kBF16, Precision::kTF32};
}

bool HasPrecision(Precision) { return true; }

std::vector<int64_t> TestPartitions() { return {0, 12, 16, 22, 31}; }

std::vector<TestExchange> TestExchanges() {
  return {{"StagedThroughTheHost", false, [] { return std::numeric_limits<int32_t>::max(); },
           [](Communicator& comm, Kernels& kernels) {
             return Checked(MakeStagedCommunicator(comm, kernels.memory()));
           }},
          {"Nccl", true, MostRanksOfNccl, [](Communicator& comm, Kernels&) {
             return Checked(MakeNcclCommunicator(comm, comm.rank().value(), absl::Seconds(60)));
           }}};
}

}  // namespace quadhop
