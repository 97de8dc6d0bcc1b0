#include "tests/support/run_ranks.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace quadhop {

void RunRanks(int32_t num_ranks, const std::function<void(Communicator&)>& body,
              absl::Duration deadline) {
  const std::vector<std::unique_ptr<Communicator>> comms =
      MakeThreadCommunicators(num_ranks, deadline);
  std::vector<std::thread> threads;
  for (const std::unique_ptr<Communicator>& comm : comms)
    threads.emplace_back([&body, &comm = *comm] {
      const ::testing::ScopedTrace trace(__FILE__, __LINE__,
                                         absl::StrCat("on rank ", comm.rank().value()));
      body(comm);
      if (::testing::Test::HasFatalFailure())
        comm.Abort(absl::StrCat("a test failed on rank ", comm.rank().value()));
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace quadhop
