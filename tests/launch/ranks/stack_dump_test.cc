#include "launch/ranks/stack_dump.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace quadhop {
namespace {

// Two, and what a sanitizer has of its own.
TEST(StackDumpDeathTest, ShowsEveryThreadThoughOneWaitsForever) {
  EXPECT_EXIT(
      {
        std::mutex mutex;
        std::condition_variable never;
        bool waits = false;
        std::thread waiter([&] {
          std::unique_lock lock(mutex);
          waits = true;
          never.wait(lock, [] { return false; });
        });
        for (bool ready = false; !ready; usleep(1000)) {
          const std::scoped_lock lock(mutex);
          ready = waits;
        }
        DumpStacks(1);
        _exit(3);
      },
      testing::ExitedWithCode(3),
      "rank 1: where its [0-9]+ threads are:\n(.|\n)*thread [0-9]+:\n(.|\n)*thread "
      "[0-9]+:\n(.|\n)*libc");
}

}  // namespace
}  // namespace quadhop
