#include "partition/cuts/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(RunInChild, BringsResultsBackThroughSharedMemoryAlone) {
  ASSERT_OK_AND_ASSIGN(const SharedMemory memory, SharedMemory::Create(sizeof(int)));
  int own = 1;
  int* const shared = static_cast<int*>(memory.data());
  EXPECT_EQ(*shared, 0);
  EXPECT_OK(RunInChild("a test", [&] { own = *shared = 2; }));
  EXPECT_EQ(own, 1);
  EXPECT_EQ(*shared, 2);
}

TEST(RunInChild, TurnsAnAbortIntoAStatus) {
  const absl::Status status = RunInChild("cutting", [] {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    std::abort();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal,
                               AllOf(HasSubstr("cutting"), HasSubstr("signal 6"))));
}

TEST(RunInChild, TakesAKillForWantOfMemory) {
  EXPECT_THAT(RunInChild("cutting", [] { kill(getpid(), SIGKILL); }),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("memory")));
}

TEST(RunInChild, TurnsAnExitCodeIntoAStatus) {
  EXPECT_THAT(RunInChild("cutting", [] { _exit(3); }),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("exit code 3")));
}

// Were it let through, it would unwind this test's frames in the child.
TEST(RunInChild, LetsNothingThatIsThrownLeaveTheChild) {
  EXPECT_THAT(RunInChild("cutting", [] { throw std::bad_alloc(); }),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("refused memory")));
  EXPECT_THAT(RunInChild("cutting", [] { throw 1; }), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace quadhop
