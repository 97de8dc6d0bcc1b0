#include "core/threads/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace quadhop {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 8));

TEST_P(ThreadPoolTest, CallsTheBodyOnceForEachItem) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.num_threads(), GetParam());
  for (const int64_t num_items : {0, 1, 2, 7, 1000}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(num_items));
      pool.ParallelFor(num_items, [&](int64_t item, int worker) {
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, pool.num_threads());
        ++calls[static_cast<size_t>(item)];
      });
      for (const auto& count : calls) ASSERT_EQ(count, 1);
    }
  }
}

TEST(ThreadPool, ThatTheSystemRefusesAThreadIsAnExceptionAndNotTheEnd) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers take more memory than the limit";
#endif
  EXPECT_EXIT(
      {
        rlimit small;
        small.rlim_cur = small.rlim_max = rlim_t{1} << 30;  // 8 MB of stack a thread
        setrlimit(RLIMIT_AS, &small);
        try {
          const ThreadPool pool(1024);
        } catch (const std::system_error&) {
          std::exit(7);
        }
      },
      testing::ExitedWithCode(7), "");
}

TEST_P(ThreadPoolTest, NoTwoItemsRunOnOneWorkerAtOnce) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> busy(static_cast<size_t>(pool.num_threads()));
  pool.ParallelFor(5000, [&](int64_t, int worker) {
    EXPECT_EQ(busy[static_cast<size_t>(worker)]++, 0);
    --busy[static_cast<size_t>(worker)];
  });
}

TEST_P(ThreadPoolTest, SeveralThreadsTakeTurns) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> sum{0};
  std::atomic<int> loops_inside{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int repeat = 0; repeat < 100; ++repeat) {
        pool.ParallelFor(10, [&, caller](int64_t item, int) {
          const int mine = 1 << (8 * caller);
          const int others = loops_inside.fetch_add(mine) & ~(0xff << (8 * caller));
          EXPECT_EQ(others, 0);  // items of one caller only
          sum += item;
          loops_inside -= mine;
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4 * 100 * 45);
}

TEST_P(ThreadPoolTest, WhatTheBodiesWroteIsSeenAfterTheLoop) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> values(1000, 0);
  for (int repeat = 1; repeat <= 100; ++repeat) {
    pool.ParallelFor(1000, [&](int64_t item, int) { values[static_cast<size_t>(item)] += item; });
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(values[i], static_cast<int64_t>(i) * repeat);
  }
}

TEST(ThreadPool, AllThreadsJoinALongLoop) {
  constexpr int kThreads = 4;
  ThreadPool pool(kThreads);
  std::atomic<int> arrived{0};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  // Each item waits for the others: done only if each has a thread of its own.
  pool.ParallelFor(kThreads, [&](int64_t, int) {
    ++arrived;
    while (arrived < kThreads && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
  });
  EXPECT_EQ(arrived, kThreads);
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST(ThreadPool, MemoryThatRunsOutInTheCallersPartIsPassedOnWhenWorkersAreDone) {
  ThreadPool pool(2);
  std::atomic<int> inside = 0;
  std::atomic<bool> thrown = false;
  const auto body = [&](int64_t, int worker) {
    if (worker == 0) {
      while (inside == 0) std::this_thread::yield();
      thrown = true;
      throw std::bad_alloc();
    }
    ++inside;
    while (!thrown) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --inside;
  };
  EXPECT_THROW(pool.ParallelFor(10, body), std::bad_alloc);
  EXPECT_EQ(inside, 0);
  std::atomic<int> items = 0;
  pool.ParallelFor(10, [&items](int64_t, int) { ++items; });
  EXPECT_EQ(items, 10);
}

TEST_P(ThreadPoolTest, PassesOnWhatAWorkerThrows) {
  ThreadPool pool(GetParam());
  const int last = pool.num_threads() - 1;  // the caller, if it is alone
  std::atomic<int> items = 0;
  EXPECT_THROW(pool.ParallelFor(int64_t{1} << 40,
                                [&](int64_t, int worker) {
                                  ++items;
                                  if (worker == last) throw std::bad_alloc();
                                }),
               std::bad_alloc);
  EXPECT_GE(items, 1);
  items = 0;
  pool.ParallelFor(10, [&items](int64_t, int) { ++items; });
  EXPECT_EQ(items, 10);
}

TEST(ThreadPool, BlocksCoverTheItems) {
  EXPECT_EQ(NumBlocks(0, 4), 0);
  EXPECT_EQ(NumBlocks(8, 4), 2);
  EXPECT_EQ(NumBlocks(9, 4), 3);
  EXPECT_EQ(Block(2, 9, 4).begin, 8);
  EXPECT_EQ(Block(2, 9, 4).end, 9);
  EXPECT_EQ(Block(1, 9, 4).end, 8);
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();  // 2^63 - 1
  EXPECT_EQ(NumBlocks(kMost, 4), int64_t{1} << 61);
  EXPECT_EQ(Block((int64_t{1} << 61) - 1, kMost, 4).end, kMost);
}

}  // namespace
}  // namespace quadhop
