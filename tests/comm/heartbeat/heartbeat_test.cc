#include "comm/heartbeat/heartbeat.h"

#include <absl/time/clock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Generous, for a machine under load: nothing here waits for it unless it fails.
constexpr absl::Duration kPatience = absl::Seconds(60);

// What the ranks of one job, threads here, hear of lost ranks.
class HeartbeatTest : public testing::Test {
 protected:
  struct Member {
    RankProgress progress;
    std::atomic<bool> told = false;
    std::string message;  // once told
    std::atomic<int> asked = 0;
    std::unique_ptr<Heartbeat> heartbeat;
  };

  void Start(const std::vector<HeartbeatOptions>& options) {
    comms_ = MakeThreadCommunicators(static_cast<int32_t>(options.size()), kPatience);
    std::vector<std::thread> ranks;
    for (size_t r = 0; r < options.size(); ++r) {
      members_.push_back(std::make_unique<Member>());
      Member& member = *members_.back();
      member.progress.Set("training", static_cast<int64_t>(10 + r));
      ranks.emplace_back([&member, &options, r, this] {
        ASSERT_OK_AND_ASSIGN(member.heartbeat, Heartbeat::Start(
                                                   *comms_[r], options[r], member.progress,
                                                   [&member](const std::string& message) {
                                                     member.message = message;
                                                     member.told = true;
                                                   },
                                                   [&member] { ++member.asked; }));
      });
    }
    for (std::thread& rank : ranks) rank.join();
  }

  bool IsTold(size_t rank) {
    const absl::Time end = absl::Now() + kPatience;
    while (!members_[rank]->told && absl::Now() < end) std::this_thread::yield();
    return members_[rank]->told;
  }

  std::vector<std::unique_ptr<Communicator>> comms_;
  std::vector<std::unique_ptr<Member>> members_;
};

constexpr HeartbeatOptions kQuick{absl::Milliseconds(20), absl::Seconds(30)};

TEST_F(HeartbeatTest, ARankThatEndsWithoutAWordIsNamedOnAllOthers) {
  Start({kQuick, kQuick, kQuick});
  members_[2]->heartbeat.reset();
  ASSERT_TRUE(IsTold(0));
  EXPECT_THAT(
      members_[0]->message,
      AllOf(HasSubstr("rank 2 died"), HasSubstr("rank 0 was training, step 10"),
            HasSubstr("rank 1 was training, step 11"), HasSubstr("rank 2 was training, step 12")));
  ASSERT_TRUE(IsTold(1));
  EXPECT_THAT(members_[1]->message, HasSubstr("rank 2 died"));
}

TEST_F(HeartbeatTest, TheDeathOfRankZeroIsSeenByAllOthers) {
  Start({kQuick, kQuick, kQuick});
  members_[0]->heartbeat.reset();
  for (const size_t rank : {size_t{1}, size_t{2}}) {
    ASSERT_TRUE(IsTold(rank));
    EXPECT_THAT(members_[rank]->message, HasSubstr("rank 0 died"));
  }
}

TEST_F(HeartbeatTest, ASilentRankIsNamedOnAllAndToldItself) {
  const HeartbeatOptions impatient{absl::Milliseconds(20), absl::Seconds(1)};
  const HeartbeatOptions silent{absl::Hours(1), absl::Hours(2)};  // after its first beat
  Start({impatient, impatient, silent});
  for (const size_t rank : {size_t{0}, size_t{1}}) {
    ASSERT_TRUE(IsTold(rank));
    EXPECT_THAT(members_[rank]->message, HasSubstr("rank 2 has been silent for 1s"));
  }
  ASSERT_TRUE(IsTold(2));
  EXPECT_THAT(members_[2]->message, HasSubstr("rank 2 itself was taken for lost"));
}

TEST_F(HeartbeatTest, NobodyWasSilentWhileTheWholeJobWasSuspended) {
  const HeartbeatOptions impatient{absl::Milliseconds(20), absl::Seconds(1)};
  Start({impatient, impatient, impatient});
  const pid_t suspended = getpid();
  const pid_t waker = fork();
  if (waker == 0) {
    do sleep(2);
    while (kill(suspended, SIGCONT) == 0);
    _exit(0);
  }
  ASSERT_EQ(raise(SIGSTOP), 0);
  kill(waker, SIGKILL);
  waitpid(waker, nullptr, 0);
  absl::SleepFor(absl::Milliseconds(200));  // for all to have looked around
  for (const auto& member : members_) {
    EXPECT_FALSE(member->told);
    member->heartbeat->Leave();
  }
}

TEST_F(HeartbeatTest, AQuestionReachesAllOtherRanks) {
  for (const size_t asking : {size_t{0}, size_t{2}}) {
    members_.clear();
    Start({kQuick, kQuick, kQuick});
    members_[asking]->heartbeat->Ask();
    const absl::Time end = absl::Now() + kPatience;
    for (size_t rank = 0; rank < 3; ++rank) {
      while (rank != asking && members_[rank]->asked == 0 && absl::Now() < end)
        std::this_thread::yield();
      EXPECT_EQ(members_[rank]->asked, rank == asking ? 0 : 1) << rank;
    }
    for (const auto& member : members_) member->heartbeat->Leave();
  }
}

TEST_F(HeartbeatTest, ARankThatTakesItsLeaveIsNotMissed) {
  Start({kQuick, kQuick, kQuick});
  for (const size_t rank : {size_t{1}, size_t{0}}) {
    members_[rank]->heartbeat->Leave();
    members_[rank]->heartbeat.reset();
  }
  members_[2]->heartbeat->Leave();
  members_[2]->heartbeat.reset();
  for (const auto& member : members_) EXPECT_FALSE(member->told);
}

TEST(Heartbeat, ATimeoutThatIsShorterThanTwoIntervalsIsRefused) {
  const auto comm = MakeSoloCommunicator();
  const RankProgress progress;
  EXPECT_THAT(Heartbeat::Start(*comm, {absl::Seconds(2), absl::Seconds(3)}, progress, {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("train.heartbeat_timeout_seconds is 3")));
}

}  // namespace
}  // namespace quadhop
