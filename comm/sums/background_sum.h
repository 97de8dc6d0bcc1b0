// Sums over partitions, made while their owner keeps computing.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "comm/collectives/communicator.h"
#include "comm/sums/ordered_sum.h"
#include "comm/sums/partition_owners.h"
#include "comm/sums/reduction.h"
#include "comm/sums/row_adder.h"

namespace quadhop {

// A thread that makes sums in the order submitted, which must be the same on every rank, on a
// communicator of its own and, on a device, a stream of its own. So a layer's gradients are
// combined while those of the layer below are still being computed. A single rank, which waits for
// no other, needs no thread: its sums are made, or queued on its device, as they are submitted, so
// that one thread records a step (Memory::Record). Used by one thread.
class BackgroundSum {
 public:
  // adder: for the memory that holds summands and sums, which must outlive this; nullptr: the
  // host's. Collective (it duplicates `comm`, which need not outlive it).
  static absl::StatusOr<std::unique_ptr<BackgroundSum>> Create(Communicator& comm,
                                                               PartitionOwners owners,
                                                               Reduction reduction,
                                                               RowAdder* adder = nullptr);
  // Finishes what was submitted, as Wait does.
  ~BackgroundSum();
  BackgroundSum(const BackgroundSum&) = delete;
  BackgroundSum& operator=(const BackgroundSum&) = delete;

  // Queues SumOverPartitions(summands, sum), behind what is queued on `computed`, the adder's
  // memory (nullptr) or another stream of it, and returns at once if there are several ranks.
  // Summands and sum must stay alive and untouched until Wait returns.
  void Submit(std::string operation, absl::Span<float> summands, absl::Span<float> sum,
              Memory* computed = nullptr);
  // The same for OrderedSum, whatever the reduction.
  template <typename T>
  void SubmitOrdered(std::string operation, absl::Span<T> summands, absl::Span<T> sum,
                     Memory* computed = nullptr) {
    Queue(
        [operation = std::move(operation), summands, sum](
            Communicator& comm, const PartitionOwners& owners, RowAdder& adder) {
          return OrderedSum(comm, owners, operation, adder, summands, sum);
        },
        computed);
  }

  // Returns when all that was submitted is done or, on one rank's device, queued before what is
  // queued from now on on `used`, the adder's memory (nullptr) or another stream of it. Returns the
  // first error there ever was; sums submitted after that error are not made.
  absl::Status Wait(Memory* used = nullptr);
  // How long Wait took so far: the time that was not hidden.
  absl::Duration time_waited() const { return time_waited_; }

 private:
  struct State;
  using MakeSum =
      std::function<absl::Status(Communicator&, const PartitionOwners& owners, RowAdder&)>;
  void Queue(MakeSum make, Memory* computed);
  explicit BackgroundSum(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
  absl::Duration time_waited_;
};

}  // namespace quadhop
