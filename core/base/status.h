// Status macros and the project's form of an error message.
//
// Every external failure is an absl::Status. Its message says what was done, to which file, line or
// field, the value got, the value allowed, and what to do.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <string>
#include <utility>

// Returns from the enclosing function if `expression` is not OK.
#define QH_RETURN_IF_ERROR(expression)                                            \
  do {                                                                            \
    if (absl::Status qh_status = (expression); !qh_status.ok()) return qh_status; \
  } while (false)

// QH_ASSIGN_OR_RETURN(auto x, F()): x = the value of F(), or return its error.
#define QH_ASSIGN_OR_RETURN(lhs, expression) \
  QH_ASSIGN_OR_RETURN_(QH_CONCAT_(qh_or_, __LINE__), lhs, expression)

#define QH_CONCAT_INNER_(a, b) a##b
#define QH_CONCAT_(a, b) QH_CONCAT_INNER_(a, b)
#define QH_ASSIGN_OR_RETURN_(holder, lhs, expression)  \
  auto holder = (expression);                          \
  if (!holder.ok()) return std::move(holder).status(); \
  lhs = std::move(holder).value()

namespace quadhop {

// The same code, with `prefix: ` before the message. OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view prefix);

// What is wrong, "" only if OK: for callers that tell from a text whether there is an error.
std::string MessageOrEmpty(const absl::Status& status);

// The error of a failed system call, from errno: kNotFound, kPermissionDenied, kResourceExhausted
// (no space left, out of memory), kAlreadyExists, else kInternal. `what` names the operation and
// the file: "write /x/y.npy".
absl::Status ErrnoStatus(int error, absl::string_view what);

}  // namespace quadhop
