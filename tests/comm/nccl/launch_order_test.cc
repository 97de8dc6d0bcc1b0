#include "comm/nccl/launch_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

TEST(LaunchOrder, LetsThreadsLaunchInTheOrderOfTheNumbersWhoeverComesFirst) {
  constexpr int64_t kNumbers[] = {4, 2, 0, 3, 1};
  LaunchOrder order;
  std::vector<int64_t> launched;  // by one thread at a time
  std::vector<std::thread> threads;
  for (const int64_t number : kNumbers) {
    threads.emplace_back([&, number] {
      ASSERT_OK(order.AwaitTurn(number, absl::Seconds(60)));
      launched.push_back(number);
      order.Done();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(launched, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST(LaunchOrder, GivesNumbersFromZeroOn) {
  LaunchOrder order;
  EXPECT_EQ(order.Take(), 0);
  EXPECT_EQ(order.Take(), 1);
}

TEST(LaunchOrder, IsBrokenForThoseWhoWaitAndThoseWhoComeLater) {
  LaunchOrder order;
  const auto broken = StatusIs(absl::StatusCode::kAborted, HasSubstr("has failed"));
  std::thread waiting([&] { EXPECT_THAT(order.AwaitTurn(1, absl::Seconds(60)), broken); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  order.Break();
  waiting.join();
  EXPECT_THAT(order.AwaitTurn(0, absl::Seconds(60)), broken);
}

TEST(LaunchOrder, GivesUpAtTheDeadlineIfAnEarlierLaunchDoesNotCome) {
  LaunchOrder order;
  EXPECT_THAT(order.AwaitTurn(1, absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("did not launch")));
}

}  // namespace
}  // namespace quadhop
