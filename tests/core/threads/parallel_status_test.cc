#include "core/threads/parallel_status.h"

#include <absl/strings/str_cat.h>

#include <atomic>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

TEST(ParallelForStatus, CallsTheBodyForEveryItemWhereNoneFails) {
  ThreadPool pool(3);
  std::atomic<int64_t> sum = 0;
  EXPECT_OK(ParallelForStatus(pool, 1000, [&](int64_t item, int) {
    sum += item;
    return absl::OkStatus();
  }));
  EXPECT_EQ(sum, 999 * 1000 / 2);
  EXPECT_OK(ParallelForStatus(pool, 0, [](int64_t, int) { return absl::InternalError("called"); }));
}

TEST(ParallelForStatus, GivesTheFirstErrorByItemWhoeverFailsFirst) {
  for (const int num_threads : {1, 2, 8}) {
    ThreadPool pool(num_threads);
    for (int round = 0; round < 200; ++round)
      EXPECT_THAT(ParallelForStatus(pool, 100,
                                    [](int64_t item, int) {
                                      return item % 10 == 7
                                                 ? absl::InternalError(absl::StrCat(item))
                                                 : absl::OkStatus();
                                    }),
                  StatusIs(absl::StatusCode::kInternal, "7"));
  }
}

TEST(ParallelForStatus, BeginsNoItemBeyondOneThatFailed) {
  ThreadPool pool(1);
  int64_t calls = 0;
  EXPECT_FALSE(ParallelForStatus(pool, 100, [&](int64_t item, int) {
                 ++calls;
                 return item == 3 ? absl::InternalError("") : absl::OkStatus();
               }).ok());
  EXPECT_EQ(calls, 4);
}

TEST(ParallelForBlocks, GoesOverAllItemsOnce) {
  ThreadPool pool(2);
  std::atomic<int64_t> items = 0;
  EXPECT_OK(ParallelForBlocks(pool, 1000, 300, [&](BlockRange range) {
    items += range.end - range.begin;
    return absl::OkStatus();
  }));
  EXPECT_EQ(items, 1000);
}

}  // namespace
}  // namespace quadhop
