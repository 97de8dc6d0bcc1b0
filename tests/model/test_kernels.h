// The backend that a test program tests: the same tests are linked with each.
#pragma once

#include <memory>
#include <utility>

#include "comm/collectives/communicator.h"
#include "comm/collectives/staged_communicator.h"
#include "core/base/check.h"
#include "core/threads/thread_pool.h"
#include "model/kernels/kernels.h"

namespace quadhop {

// The CPU's kernels on `pool`, or, in programs of the CUDA backend, those of the GPU of that rank.
std::unique_ptr<Kernels> MakeTestKernels(ThreadPool& pool, int local_rank = 0);

// A communicator of the ranks of `comm` that takes the memory of those kernels. Collective.
inline std::unique_ptr<Communicator> MakeTestCommunicator(Communicator& comm, Kernels& kernels) {
  absl::StatusOr<std::unique_ptr<Communicator>> made =
      kernels.memory().is_host() ? comm.Duplicate()
                                 : MakeStagedCommunicator(comm, kernels.memory());
  QH_CHECK(made.ok());
  return *std::move(made);
}

}  // namespace quadhop
