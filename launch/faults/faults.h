// Faults on purpose: train.fail_at of the config, and --fail-at of the steps that make a store.
#pragma once

#include <absl/status/status.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/store/store_writer.h"
#include "launch/config.pb.h"

namespace quadhop {

// Causes on this rank the fault that the config asks for, if any. Thread-safe.
class Faults {
 public:
  Faults(const FailAt& config, Rank rank) : config_(config), rank_(rank) {}

  FailAt::Point point() const { return config_.point(); }

  // Called when this rank is at `point` with `steps` steps done. Once, it may not return, or return
  // the error asked for, or throw std::bad_alloc.
  absl::Status At(FailAt::Point point, int64_t steps);
  // `loss` of step `step`, or NaN if that is the fault asked for. On all ranks.
  double Loss(double loss, int64_t step) const;

 private:
  const FailAt config_;
  const Rank rank_;
  std::atomic<bool> done_ = false;
};

// "begin", "files-written", "decided".
std::vector<const char*> CommitPointNames();
// Kills this process at the place "STEP:POINT": "partition:decided". "nowhere" is not a place.
CommitHook KillAtCommit(const std::string& place);

}  // namespace quadhop
