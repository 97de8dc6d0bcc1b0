// GoogleTest matchers for absl::Status and absl::StatusOr.
//
//   EXPECT_THAT(Write(...), IsOk());
//   EXPECT_THAT(Open(...), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("indices.npy")));
//   ASSERT_OK_AND_ASSIGN(const NpyFile file, NpyFile::Open(path));
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "core/base/status.h"

namespace quadhop {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& or_value) {
  return or_value.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return arg.ok();
}

// `code` and `message` are values or matchers.
MATCHER_P2(StatusIs, code, message,
           "has a code that " + testing::DescribeMatcher<absl::StatusCode>(code) +
               " and a message that " + testing::DescribeMatcher<std::string>(message)) {
  *result_listener << StatusOf(arg).ToString();
  return testing::Matches(testing::SafeMatcherCast<absl::StatusCode>(code))(StatusOf(arg).code()) &&
         testing::Matches(testing::SafeMatcherCast<std::string>(message))(
             std::string(StatusOf(arg).message()));
}
inline auto StatusIs(absl::StatusCode code) { return StatusIs(code, testing::_); }

// Of an absl::StatusOr; `value` is a value or a matcher.
MATCHER_P(IsOkAndHolds, value, "is OK and holds what is expected") {
  *result_listener << arg.status().ToString();
  return arg.ok() && testing::ExplainMatchResult(value, *arg, result_listener);
}

}  // namespace quadhop

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::quadhop::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::quadhop::IsOk())

// ASSERT_OK_AND_ASSIGN(auto x, F()): x = the value of F(), or the test fails with its error and
// returns.
#define ASSERT_OK_AND_ASSIGN(lhs, expression) \
  ASSERT_OK_AND_ASSIGN_(QH_CONCAT_(qh_test_or_, __LINE__), lhs, expression)
#define ASSERT_OK_AND_ASSIGN_(holder, lhs, expression)    \
  auto holder = (expression);                             \
  ASSERT_TRUE(holder.ok()) << holder.status().ToString(); \
  lhs = std::move(holder).value()
