// The backend that a test program tests: the same tests are linked with each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/collectives/communicator.h"
#include "core/threads/thread_pool.h"
#include "model/kernels/kernels.h"

namespace quadhop {

// The CPU's kernels on `pool`, or, in programs of the CUDA backend, those of the GPU of that rank.
std::unique_ptr<Kernels> MakeTestKernels(ThreadPool& pool, Precision precision = Precision::kF32,
                                         int local_rank = 0);

// Those in which the backend computes otherwise than in others, and whether this machine has them.
std::vector<Precision> TestPrecisions();
bool HasPrecision(Precision precision);

// Offsets of partitions of unequal size, one of them cut further if the backend cuts partitions: of
// several tiles and lanes of the CPU's local module.
std::vector<int64_t> TestPartitions();

// A way for ranks that are threads to exchange what is in the memory of their kernels.
struct TestExchange {
  std::string name;  // letters and digits: ends up in test names
  bool gpu_each;     // a rank needs a GPU of its own
  std::function<int32_t()> most_ranks;
  // A communicator of the ranks of `comm`. Collective.
  std::function<std::unique_ptr<Communicator>(Communicator& comm, Kernels& kernels)>
      make_communicator;
};
// Those of the backend; the first one has any number of ranks.
std::vector<TestExchange> TestExchanges();

}  // namespace quadhop
