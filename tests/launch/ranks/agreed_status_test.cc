#include "launch/ranks/agreed_status.h"

#include "launch/ranks/host_name.h"
#include "launch/ranks/runtime.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// The error of a job of three ranks, each of which brings `of_rank` of its own.
absl::Status AgreedOf(const std::vector<absl::Status>& of_rank) {
  return RunRanks({.ranks_in_process = 3, .threads = 1},
                  [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
                    const auto rank = static_cast<size_t>(context.comm.rank().value());
                    const absl::Status agreed = AgreeOnStatus(context.comm, "agree", of_rank[rank]);
                    EXPECT_EQ(IsAgreed(agreed), !agreed.ok());
                    // Nobody was ended by another: all can still speak with each other.
                    EXPECT_OK(context.comm.Barrier("after"));
                    QH_RETURN_IF_ERROR(agreed);
                    return ExitCode::kDone;
                  })
      .status();
}

TEST(AgreeOnStatus, IsOkIfAllAre) {
  EXPECT_OK(AgreedOf({absl::OkStatus(), absl::OkStatus(), absl::OkStatus()}));
}

TEST(AgreeOnStatus, NamesTheHostsWhereOnlySomeFailed) {
  const absl::Status missing = absl::NotFoundError("no store");
  const std::string host = HostName();
  EXPECT_THAT(AgreedOf({absl::OkStatus(), missing, missing}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       "rank 1 on " + host + ", rank 2 on " + host + ": no store"));
}

TEST(AgreeOnStatus, SaysOnceWhatAllSay) {
  const absl::Status missing = absl::NotFoundError("no store");
  EXPECT_THAT(AgreedOf({missing, missing, missing}),
              StatusIs(absl::StatusCode::kFailedPrecondition, "no store"));
}

TEST(AgreeOnStatus, AnErrorWithoutAMessageIsOneToo) {
  const absl::Status silent(absl::StatusCode::kInternal, "");
  EXPECT_THAT(AgreedOf({silent, silent, silent}),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("INTERNAL")));
}

TEST(AgreeOnText, NamesTheRanksThatDifferFromRank0) {
  const auto agreed_of = [](const std::vector<std::string>& texts) {
    return RunRanks({.ranks_in_process = 3, .threads = 1},
                    [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
                      const auto rank = static_cast<size_t>(context.comm.rank().value());
                      QH_RETURN_IF_ERROR(AgreeOnText(context.comm, "agree", texts[rank],
                                                     [&](const std::string& of_rank_0) {
                                                       return texts[rank] + " is not " + of_rank_0;
                                                     }));
                      return ExitCode::kDone;
                    })
        .status();
  };
  EXPECT_OK(agreed_of({"a", "a", "a"}));
  EXPECT_THAT(agreed_of({"a", "a", "b"}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                   "rank 2 on " + HostName() + ": b is not a"));
}

TEST(IsAgreed, IsFalseForOtherErrors) {
  EXPECT_FALSE(IsAgreed(absl::OkStatus()));
  EXPECT_FALSE(IsAgreed(absl::FailedPreconditionError("no store")));
}

}  // namespace
}  // namespace quadhop
