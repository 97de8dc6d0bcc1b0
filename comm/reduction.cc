#include "comm/reduction.h"

#include <algorithm>

#include "comm/ordered_sum.h"

namespace quadhop {

absl::Status SumOverPartitions(Communicator& comm, const PartitionOwners& owners,
                               Reduction reduction, absl::string_view operation,
                               absl::Span<float> summands, absl::Span<float> sum) {
  if (reduction == Reduction::kReproducible)
    return OrderedSum(comm, owners, operation, summands, sum);
  if (owners.num_ranks() != comm.num_ranks() ||
      summands.size() != static_cast<size_t>(owners.num_owned(comm.rank())) * sum.size())
    return absl::InvalidArgumentError(
        absl::StrCat(operation, ": ", summands.size(), " summands for a sum of ", sum.size(),
                     " on rank ", comm.rank().value(),
                     "; pass one row of the sum's length for each partition the rank owns"));
  std::copy_n(summands.begin(), sum.size(), sum.begin());
  for (size_t row = sum.size(); row < summands.size(); row += sum.size())
    internal::AddElements<float>(sum.data(), summands.data() + row,
                                 static_cast<int64_t>(sum.size()));
  return comm.AllReduceSum(operation, sum);
}

}  // namespace quadhop
