// What NCCL can do to a transfer once all ranks have met: be slow, fail, or never end.
#include "tests/cuda_on_host/nccl_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "comm/nccl/nccl.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::nccl_on_host::faults;
using ::testing::HasSubstr;

class NcclFaults : public ::testing::Test {
 protected:
  void TearDown() override {
    faults.polls_in_progress = 0;
    faults.fails = false;
    faults.loses_messages = false;
  }

  // Two ranks, with the fault only once both have their communicators.
  static void Run(absl::Duration deadline, const std::function<void()>& begin_fault,
                  const std::function<void(Communicator&)>& body) {
    RunRanks(2, [&](Communicator& bootstrap) {
      ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> comm,
                           MakeNcclCommunicator(bootstrap, bootstrap.rank().value(), deadline));
      ASSERT_OK(bootstrap.Barrier("both have begun"));
      if (bootstrap.rank().value() == 0) begin_fault();
      ASSERT_OK(bootstrap.Barrier("the fault has begun"));
      body(*comm);
    });
  }

  // Sends 7 + rank to the other rank.
  static absl::Status Exchange(Communicator& comm, int* received) {
    const int sent = 7 + comm.rank().value();
    std::vector<Communicator::Message> messages(2);
    messages[1 - static_cast<size_t>(comm.rank().value())] = {&sent, sizeof(sent), received,
                                                              sizeof(*received)};
    return comm.AllToAllV("rows", messages);
  }
};

TEST_F(NcclFaults, ATransferThatNcclIsSlowToTakeIsWaitedFor) {
  Run(
      absl::Seconds(60), [] { faults.polls_in_progress = 100; },
      [](Communicator& comm) {
        int received = 0;
        EXPECT_OK(Exchange(comm, &received));
        EXPECT_EQ(received, 8 - comm.rank().value());
        EXPECT_EQ(faults.polls_in_progress, 0);
      });
}

TEST_F(NcclFaults, AnErrorThatNcclTellsOfLaterBreaksTheCommunicator) {
  Run(
      absl::Seconds(60), [] { faults.fails = true; },
      [](Communicator& comm) {
        int received = 0;
        const auto failed = StatusIs(absl::StatusCode::kInternal, HasSubstr("error of NCCL"));
        EXPECT_THAT(Exchange(comm, &received), failed);
        EXPECT_THAT(comm.Barrier("later"), failed);
      });
}

TEST_F(NcclFaults, ATransferThatNeverEndsIsGivenUpAtTheDeadline) {
  Run(
      absl::Seconds(1), [] { faults.loses_messages = true; },
      [](Communicator& comm) {
        int received = 0;
        const auto late =
            StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("rows: waited 1 s for NCCL"));
        EXPECT_THAT(Exchange(comm, &received), late);
        EXPECT_THAT(comm.Barrier("later"), late);
      });
}

TEST_F(NcclFaults, AbortEndsTheWaitForATransferOfADuplicate) {
  Run(
      absl::Seconds(60), [] { faults.loses_messages = true; },
      [](Communicator& comm) {
        ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> other, comm.Duplicate());
        int received = 0;
        std::thread waiting([&] {
          EXPECT_THAT(Exchange(*other, &received), StatusIs(absl::StatusCode::kAborted));
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        comm.Abort("disk full");
        waiting.join();
      });
}

TEST_F(NcclFaults, CancelEndsTheWaitForATransfer) {
  Run(
      absl::Seconds(60), [] { faults.loses_messages = true; },
      [](Communicator& comm) {
        int received = 0;
        std::thread waiting(
            [&] { EXPECT_THAT(Exchange(comm, &received), StatusIs(absl::StatusCode::kAborted)); });
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        comm.Cancel();
        waiting.join();
      });
}

}  // namespace
}  // namespace quadhop
