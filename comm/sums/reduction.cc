#include "comm/sums/reduction.h"

#include <vector>

#include "comm/sums/ordered_sum.h"
#include "core/base/status.h"

namespace quadhop {

absl::Status SumOverPartitions(Communicator& comm, const PartitionOwners& owners,
                               Reduction reduction, absl::string_view operation, RowAdder& adder,
                               absl::Span<float> summands, absl::Span<float> sum) {
  if (reduction == Reduction::kReproducible || comm.num_ranks() == 1)
    return OrderedSum(comm, owners, operation, adder, summands, sum);
  if (owners.num_ranks() != comm.num_ranks() ||
      summands.size() != static_cast<size_t>(owners.num_owned(comm.rank())) * sum.size())
    return absl::InvalidArgumentError(
        absl::StrCat(operation, ": ", summands.size(), " summands for a sum of ", sum.size(),
                     " on rank ", comm.rank().value(),
                     "; pass one row of the sum's length for each partition the rank owns"));
  std::vector<RowAddition> to_first;
  for (int32_t row = 1; row < owners.num_owned(comm.rank()); ++row) to_first.push_back({0, row});
  adder.Add(RowElement::kFloat, reinterpret_cast<std::byte*>(summands.data()),
            static_cast<int64_t>(sum.size()), to_first);
  adder.memory().Copy(summands.data(), sum.data(), sum.size() * sizeof(float));
  QH_RETURN_IF_ERROR(adder.memory().Synchronize());
  return comm.AllReduceSum(operation, sum);
}

}  // namespace quadhop
