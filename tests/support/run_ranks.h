// A job of several ranks inside one test: each rank is a thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>

#include "comm/collectives/communicator.h"

namespace quadhop {

// Runs `body` once on each of `num_ranks` ranks and returns when all are done. Failed expectations
// count for the running test, whatever the rank. After a fatal failure (ASSERT_...) the job is
// aborted, so that the other ranks do not wait for the one that left.
void RunRanks(int32_t num_ranks, const std::function<void(Communicator&)>& body,
              absl::Duration deadline = absl::Seconds(60));

}  // namespace quadhop
