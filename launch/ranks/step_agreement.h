// Ranks agree, step by step, on what any of them asks for.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <memory>

#include "comm/sums/background_sum.h"

namespace quadhop {

// What one rank asks of all ranks.
struct Requests {
  bool stop = false;
  bool checkpoint = false;
};

// Combines the requests of all ranks in the background of the computation: those of a step are
// known after the next step, so nobody waits for them. Used by one thread.
class StepAgreement {
 public:
  // Collective.
  static absl::StatusOr<std::unique_ptr<StepAgreement>> Create(Communicator& comm);

  // Posts this rank's requests and returns what any rank requested at the previous call (at the
  // first, nothing). The same on every rank. Collective.
  absl::StatusOr<Requests> Exchange(const Requests& mine);
  // Returns what any rank requests now, or requested at the last Exchange. Waits. Collective.
  absl::StatusOr<Requests> Settle(const Requests& mine);

 private:
  StepAgreement() = default;
  absl::StatusOr<Requests> Take();

  std::unique_ptr<BackgroundSum> sum_;
  std::array<float, 2> mine_{};   // 1: requested; overwritten by the sum
  std::array<float, 2> total_{};  // over ranks
};

}  // namespace quadhop
