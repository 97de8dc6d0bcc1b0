#include "launch/run/resume_check.h"

#include "launch/config/config.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Config Make(std::vector<std::string> overrides) {
  return LoadConfig("quickstart", overrides).value();
}

TEST(ChangesOnResume, SayWhatMayChange) {
  ASSERT_OK_AND_ASSIGN(const auto none, ChangesOnResume(Make({}), Make({})));
  EXPECT_THAT(none, ElementsAre());
  ASSERT_OK_AND_ASSIGN(
      const auto changes,
      ChangesOnResume(Make({"train.epochs=3"}),
                      Make({"train.epochs=5", "sampler.prefetch_steps=7", "checkpoint.keep=1"})));
  EXPECT_THAT(changes, ElementsAre("sampler.prefetch_steps: 2, now 7", "train.epochs: 3, now 5",
                                   "checkpoint.keep: 3, now 1"));
}

TEST(ChangesOnResume, NameAllFieldsThatMustNotChange) {
  EXPECT_THAT(
      ChangesOnResume(Make({}),
                      Make({"train.seed=4", "model.conv=LOCAL", "train.log_every_steps=3"}))
          .status(),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("train.seed: 0, now 4"), HasSubstr("model.conv: FULL, now LOCAL"),
                     Not(HasSubstr("log_every_steps")))));
}

TEST(ChangesOnResume, TheNumberOfEpochsIsFixedWhereTheScheduleDependsOnIt) {
  const std::string cosine = "train.schedule=COSINE";
  EXPECT_THAT(ChangesOnResume(Make({cosine}), Make({cosine, "train.epochs=99"})).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("train.epochs")));
}

}  // namespace
}  // namespace quadhop
