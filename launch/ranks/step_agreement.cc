#include "launch/ranks/step_agreement.h"

#include <numeric>

#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<StepAgreement>> StepAgreement::Create(Communicator& comm) {
  auto agreement = std::unique_ptr<StepAgreement>(new StepAgreement());
  // A sum over partitions, of which each rank has one here.
  PartitionOwners owners;
  owners.first.resize(static_cast<size_t>(comm.num_ranks()) + 1);
  std::iota(owners.first.begin(), owners.first.end(), 0);
  QH_ASSIGN_OR_RETURN(agreement->sum_,
                      BackgroundSum::Create(comm, std::move(owners), Reduction::kReproducible));
  return agreement;
}

absl::StatusOr<Requests> StepAgreement::Take() {
  QH_RETURN_IF_ERROR(sum_->Wait());
  return Requests{total_[0] > 0, total_[1] > 0};
}

absl::StatusOr<Requests> StepAgreement::Exchange(const Requests& mine) {
  QH_ASSIGN_OR_RETURN(const Requests before, Take());
  mine_ = {mine.stop ? 1.0f : 0.0f, mine.checkpoint ? 1.0f : 0.0f};
  sum_->Submit("requests of ranks", absl::MakeSpan(mine_), absl::MakeSpan(total_));
  return before;
}

absl::StatusOr<Requests> StepAgreement::Settle(const Requests& mine) {
  QH_ASSIGN_OR_RETURN(const Requests before, Exchange(mine));
  QH_ASSIGN_OR_RETURN(const Requests now, Take());
  total_ = {};
  return Requests{before.stop || now.stop, before.checkpoint || now.checkpoint};
}

}  // namespace quadhop
