// Ranks that are threads with memory of a device, whose exchanges go through the host's.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "comm/collectives/staged_communicator.h"
#include "core/cuda/cuda_device.h"
#include "tests/support/rank_backend.h"
#include "tests/support/run_ranks.h"

namespace quadhop {
namespace {

void RunStaged(int32_t num_ranks, absl::Duration deadline,
               const std::function<void(Communicator&)>& body) {
  RunRanks(
      num_ranks,
      [&](Communicator& host) {
        const auto device = cuda::Device::Open(/*local_rank=*/0);
        ASSERT_TRUE(device.ok()) << device.status();
        const auto comm = MakeStagedCommunicator(host, **device);
        ASSERT_TRUE(comm.ok()) << comm.status();
        body(**comm);
      },
      deadline);
}

}  // namespace

std::vector<RankBackend> RankBackends() {
  std::vector<RankBackend> backends;
  for (const int32_t num_ranks : {2, 4})
    backends.push_back(
        {absl::StrCat("Staged", num_ranks), num_ranks, true,
         [num_ranks](absl::Duration deadline, const std::function<void(Communicator&)>& body) {
           RunStaged(num_ranks, deadline, body);
         }});
  return backends;
}

}  // namespace quadhop
