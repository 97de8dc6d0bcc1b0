// Checks for bugs in quadhop's own code: they abort with the values and the place.
//
// External failures (files, config, devices, peers) are absl::Status instead; see
// core/base/status.h.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace quadhop::internal {

[[noreturn]] inline void CheckFailed(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "quadhop: bug at %s:%d: %s\n", file, line, what.c_str());
  std::abort();
}

template <typename A, typename B>
[[noreturn]] void CheckOpFailed(const char* file, int line, const char* expression, const A& a,
                                const B& b) {
  std::ostringstream out;
  out << expression << " does not hold for " << a << " and " << b;
  CheckFailed(file, line, out.str());
}

}  // namespace quadhop::internal

#define QH_CHECK(condition)                                                             \
  do {                                                                                  \
    if (!(condition)) ::quadhop::internal::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#define QH_CHECK_OP_(a, op, b)                                                               \
  do {                                                                                       \
    const auto& qh_a = (a);                                                                  \
    const auto& qh_b = (b);                                                                  \
    if (!(qh_a op qh_b))                                                                     \
      ::quadhop::internal::CheckOpFailed(__FILE__, __LINE__, #a " " #op " " #b, qh_a, qh_b); \
  } while (false)

#define QH_CHECK_EQ(a, b) QH_CHECK_OP_(a, ==, b)
#define QH_CHECK_LT(a, b) QH_CHECK_OP_(a, <, b)
#define QH_CHECK_LE(a, b) QH_CHECK_OP_(a, <=, b)
#define QH_CHECK_GT(a, b) QH_CHECK_OP_(a, >, b)
#define QH_CHECK_GE(a, b) QH_CHECK_OP_(a, >=, b)
