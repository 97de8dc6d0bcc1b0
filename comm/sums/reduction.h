// How values of all partitions are summed: train.reduction in the config.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include "comm/collectives/communicator.h"
#include "comm/sums/partition_owners.h"
#include "comm/sums/row_adder.h"

namespace quadhop {

enum class Reduction {
  kReproducible,  // OrderedSum: the same digits for every number of ranks
  // Each rank's rows in order, then Communicator::AllReduceSum: the library's own way. The same as
  // kReproducible on one rank.
  kFast,
};

// summands [num_owned, n]: one row per partition of this rank, ascending; overwritten (scratch).
// sum [n], apart from summands: the same on every rank. Both in the memory of `adder`. Collective.
// Queued and waited for as in OrderedSum, with the same errors.
absl::Status SumOverPartitions(Communicator& comm, const PartitionOwners& owners,
                               Reduction reduction, absl::string_view operation, RowAdder& adder,
                               absl::Span<float> summands, absl::Span<float> sum);

}  // namespace quadhop
