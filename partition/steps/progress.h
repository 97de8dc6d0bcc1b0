// How far a step of prep has got, for people who wait for it.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <functional>

namespace quadhop {

// Hears now and then what a step is at ("node-feat.csv.gz", "hops"), and what share of that is
// done, in [0, 1]; negative: that is not known. From any thread, so it must be thread-safe, and
// soon done.
using ProgressHook = std::function<void(absl::string_view what, double share)>;

// Calls a hook that may be empty.
inline void Tell(const ProgressHook& hook, absl::string_view what, double share = -1) {
  if (hook) hook(what, share);
}

inline double ShareOf(int64_t done, int64_t all) {
  return static_cast<double>(done) / static_cast<double>(all);
}

}  // namespace quadhop
