// Ranks agree, step by step, on what any of them asks for.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <memory>

#include "comm/background_sum.h"

namespace quadhop {

// What one rank asks all for.
struct Wishes {
  bool stop = false;
  bool checkpoint = false;
};

// Combines the wishes of all ranks behind the computation: those of a step are known after the
// next, so nobody waits for them. Used by one thread.
class StepAgreement {
 public:
  // Collective.
  static absl::StatusOr<std::unique_ptr<StepAgreement>> Create(Communicator& comm);

  // Posts this rank's wishes and returns what all ranks wished at the call before (nothing, at the
  // first). The same on every rank. Collective.
  absl::StatusOr<Wishes> Exchange(const Wishes& mine);
  // Returns what all ranks wish now, or wished at the last Exchange. Waits. Collective.
  absl::StatusOr<Wishes> Settle(const Wishes& mine);

 private:
  StepAgreement() = default;
  absl::StatusOr<Wishes> Take();

  std::unique_ptr<BackgroundSum> sum_;
  std::array<float, 2> mine_{};   // 1: wished; overwritten by the sum
  std::array<float, 2> total_{};  // over ranks
};

}  // namespace quadhop
