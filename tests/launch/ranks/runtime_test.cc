#include "launch/ranks/runtime.h"

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/base/status.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

TEST(RunRanks, RunsTheBodyOnceOnEveryRankInProcess) {
  std::atomic<int> ranks_seen = 0;
  ASSERT_OK_AND_ASSIGN(const ExitCode code,
                       RunRanks({.ranks_in_process = 3, .threads = 2},
                                [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
                                  ranks_seen |= 1 << context.comm.rank().value();
                                  EXPECT_EQ(context.comm.num_ranks(), 3);
                                  EXPECT_EQ(context.pool.num_threads(), 2);
                                  QH_RETURN_IF_ERROR(context.comm.Barrier("meet"));
                                  return ExitCode::kResumable;
                                }));
  EXPECT_EQ(ranks_seen, 0b111);
  EXPECT_EQ(code, ExitCode::kResumable);
}

TEST(RunRanks, AnErrorOfOneRankEndsTheOthersThatWaitForIt) {
  const absl::StatusOr<ExitCode> code =
      RunRanks({.ranks_in_process = 3, .threads = 1, .collective_deadline = absl::Seconds(60)},
               [](const RankContext& context) -> absl::StatusOr<ExitCode> {
                 if (context.comm.rank() == Rank(1)) return absl::DataLossError("x.npy is torn");
                 QH_RETURN_IF_ERROR(context.comm.Barrier("wait for all"));
                 return ExitCode::kDone;
               });
  EXPECT_THAT(code, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("rank 1: x.npy is torn")));
}

TEST(RunRanks, AThreadThatTheSystemRefusesIsAnErrorOfTheRank) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers take more memory than the limit";
#endif
  for (const int64_t ranks : {1, 3, 1024})
    EXPECT_EXIT(
        {
          rlimit small;
          small.rlim_cur = small.rlim_max = rlim_t{1} << 30;  // 8 MB of stack a thread
          setrlimit(RLIMIT_AS, &small);
          const absl::StatusOr<ExitCode> code =
              RunRanks({.ranks_in_process = ranks, .threads = ranks > 3 ? 1 : 1024},
                       [](const RankContext& context) -> absl::StatusOr<ExitCode> {
                         QH_RETURN_IF_ERROR(context.comm.Barrier("wait for all"));
                         return ExitCode::kDone;
                       });
          std::fputs(code.status().ToString().c_str(), stderr);
          std::exit(absl::IsResourceExhausted(code.status()) ? 7 : 0);
        },
        testing::ExitedWithCode(7), "fewer --threads");
}

TEST(RunRanks, IsOneRankWithoutALauncher) {
  ASSERT_OK(
      RunRanks({.ranks_in_process = 0}, [](const RankContext& context) -> absl::StatusOr<ExitCode> {
        EXPECT_EQ(context.comm.num_ranks(), 1);
        EXPECT_TRUE(context.IsMain());
        EXPECT_EQ(context.pool.num_threads(), AvailableCores());
        return ExitCode::kDone;
      }));
}

TEST(RunRanks, RefusesToDoTheJobOnceInEachProcessOfALauncherThatMpiDoesNotKnow) {
  const auto run = [] {
    return RunRanks({}, [](const RankContext&) -> absl::StatusOr<ExitCode> {
      ADD_FAILURE() << "the body ran";
      return ExitCode::kDone;
    });
  };
  for (const auto& [name, value] :
       {std::pair("SLURM_STEP_NUM_TASKS", "4"), std::pair("WORLD_SIZE", "4")}) {
    setenv("SLURM_STEP_ID", "0", 1);
    setenv(name, value, 1);
    const absl::StatusOr<ExitCode> code = run();
    unsetenv(name);
    unsetenv("SLURM_STEP_ID");
    EXPECT_THAT(code, StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("4 processes were started together")));
    EXPECT_TRUE(IsUsageError(code.status()));
  }
}

TEST(RunRanks, RunsAloneInABatchScriptOfManyTasks) {
  setenv("SLURM_NTASKS", "4", 1);
  setenv("SLURM_PROCID", "0", 1);
  EXPECT_OK(RunRanks({}, [](const RankContext& context) -> absl::StatusOr<ExitCode> {
    EXPECT_EQ(context.comm.num_ranks(), 1);
    return ExitCode::kDone;
  }));
  unsetenv("SLURM_NTASKS");
  unsetenv("SLURM_PROCID");
}

}  // namespace
}  // namespace quadhop
