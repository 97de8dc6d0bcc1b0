#include "core/base/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  QH_ASSIGN_OR_RETURN(const int half, Half(value));
  QH_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(Status, MacrosPassTheValueOrTheFirstError) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_THAT(Quarter(6), StatusIs(absl::StatusCode::kInvalidArgument, "odd"));
}

TEST(Status, AnnotateKeepsTheCodeAndPutsThePrefixFirst) {
  EXPECT_OK(Annotate(absl::OkStatus(), "read x"));
  EXPECT_THAT(Annotate(absl::DataLossError("torn"), "read x"),
              StatusIs(absl::StatusCode::kDataLoss, "read x: torn"));
}

TEST(Status, ErrnoGivesTheCodeThatCallersActOn) {
  const auto names_both = [](const char* why) {
    return AllOf(StartsWith("write /x/y: "), HasSubstr(why));
  };
  EXPECT_THAT(ErrnoStatus(ENOENT, "write /x/y"),
              StatusIs(absl::StatusCode::kNotFound, names_both("No such file")));
  EXPECT_THAT(ErrnoStatus(EACCES, "write /x/y"),
              StatusIs(absl::StatusCode::kPermissionDenied, names_both("Permission denied")));
  EXPECT_THAT(ErrnoStatus(ENOSPC, "write /x/y"),
              StatusIs(absl::StatusCode::kResourceExhausted, names_both("No space left")));
  EXPECT_THAT(ErrnoStatus(ENOMEM, "write /x/y"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ErrnoStatus(EEXIST, "write /x/y"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ErrnoStatus(EIO, "write /x/y"), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace quadhop
