#include "launch/faults/faulty_communicator.h"

#include <utility>

#include "comm/collectives/operations.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

class FaultyCommunicator : public Communicator {
 public:
  FaultyCommunicator(Communicator& comm, Faults& faults, const RankProgress& progress)
      : comm_(comm), faults_(faults), progress_(progress) {}
  FaultyCommunicator(std::unique_ptr<Communicator> comm, Faults& faults,
                     const RankProgress& progress)
      : owned_(std::move(comm)), comm_(*owned_), faults_(faults), progress_(progress) {}

  Rank rank() const override { return comm_.rank(); }
  int32_t num_ranks() const override { return comm_.num_ranks(); }
  void Abort(absl::string_view why) override { comm_.Abort(why); }
  void Cancel() override { comm_.Cancel(); }

 private:
  absl::Status DoAllToAllV(absl::string_view operation,
                           absl::Span<const Message> messages) override {
    QH_RETURN_IF_ERROR(Enter(operation));
    return comm_.AllToAllV(operation, messages);
  }
  absl::Status DoAllReduceSum(absl::string_view operation, absl::Span<float> values) override {
    QH_RETURN_IF_ERROR(Enter(operation));
    return comm_.AllReduceSum(operation, values);
  }
  absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() override {
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> comm, comm_.Duplicate());
    return std::make_unique<FaultyCommunicator>(std::move(comm), faults_, progress_);
  }

  absl::Status Enter(absl::string_view operation) {
    if (operation == kSumOfGradients) return faults_.At(FailAt::ALL_REDUCE, progress_.step());
    if (IsRowsOfExchange(operation)) return faults_.At(FailAt::EXCHANGE, progress_.step());
    return absl::OkStatus();
  }

  const std::unique_ptr<Communicator> owned_;  // of a duplicate
  Communicator& comm_;
  Faults& faults_;
  const RankProgress& progress_;
};

}  // namespace

std::unique_ptr<Communicator> WithFaults(Communicator& comm, Faults& faults,
                                         const RankProgress& progress) {
  if (faults.point() != FailAt::EXCHANGE && faults.point() != FailAt::ALL_REDUCE) return nullptr;
  return std::make_unique<FaultyCommunicator>(comm, faults, progress);
}

}  // namespace quadhop
