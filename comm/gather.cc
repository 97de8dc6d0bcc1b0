#include "comm/gather.h"

#include <algorithm>

namespace quadhop {

absl::Status SumOverRanks(Communicator& comm, absl::string_view operation,
                          absl::Span<int64_t> values) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> all,
                      GatherOverRanks<int64_t>(comm, operation, values));
  std::fill(values.begin(), values.end(), 0);
  for (size_t i = 0; i < all.size(); ++i) values[i % values.size()] += all[i];
  return absl::OkStatus();
}

}  // namespace quadhop
