// Ranks that are threads with a GPU each. Tests that need more GPUs than there are are skipped.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "comm/nccl/nccl.h"
#include "core/cuda/cuda_device.h"
#include "tests/support/rank_backend.h"
#include "tests/support/run_ranks.h"

namespace quadhop {
namespace {

void RunOverNccl(int32_t num_ranks, absl::Duration deadline,
                 const std::function<void(Communicator&)>& body) {
  // Between threads of one process NCCL before 2.23 would read a peer's arrays in place, and those
  // of a memory pool cannot be read by another GPU. Ranks of a training are processes.
  setenv("NCCL_P2P_DIRECT_DISABLE", "1", /*overwrite=*/0);
  if (cuda::NumVisibleDevices() < num_ranks) GTEST_SKIP() << "needs " << num_ranks << " GPUs";
  RunRanks(
      num_ranks,
      [&](Communicator& bootstrap) {
        const auto comm = MakeNcclCommunicator(bootstrap, bootstrap.rank().value(), deadline);
        ASSERT_TRUE(comm.ok()) << comm.status();
        body(**comm);
      },
      deadline);
}

}  // namespace

std::vector<RankBackend> RankBackends() {
  std::vector<RankBackend> backends;
  for (const int32_t num_ranks : {1, 2, 4})
    backends.push_back(
        {absl::StrCat("Nccl", num_ranks), num_ranks, true,
         [num_ranks](absl::Duration deadline, const std::function<void(Communicator&)>& body) {
           RunOverNccl(num_ranks, deadline, body);
         },
         // NCCL's own start, with a context on each GPU, takes a second or more.
         absl::Seconds(4)});
  return backends;
}

}  // namespace quadhop
