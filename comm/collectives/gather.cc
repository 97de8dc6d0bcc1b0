#include "comm/collectives/gather.h"

#include <algorithm>

namespace quadhop {

absl::StatusOr<std::vector<std::string>> GatherTexts(Communicator& comm,
                                                     absl::string_view operation,
                                                     absl::string_view mine) {
  std::vector<int64_t> sizes;
  QH_ASSIGN_OR_RETURN(const std::vector<char> all,
                      GatherOverRanks<char>(comm, operation, {mine.data(), mine.size()}, &sizes));
  std::vector<std::string> texts;
  auto begin = all.begin();
  for (const int64_t size : sizes) {
    texts.emplace_back(begin, begin + size);
    begin += size;
  }
  return texts;
}

absl::StatusOr<std::string> BroadcastText(Communicator& comm, absl::string_view operation,
                                          Rank root, absl::string_view text) {
  QH_ASSIGN_OR_RETURN(const size_t size, BroadcastValue(comm, operation, root, text.size()));
  std::vector<uint8_t> bytes(size);
  if (comm.rank() == root) std::copy(text.begin(), text.end(), bytes.begin());
  QH_RETURN_IF_ERROR(comm.Broadcast(operation, root, absl::MakeSpan(bytes)));
  return std::string(bytes.begin(), bytes.end());
}

absl::Status SumOverRanks(Communicator& comm, absl::string_view operation,
                          absl::Span<int64_t> values) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> all,
                      GatherOverRanks<int64_t>(comm, operation, values));
  const size_t wanted = values.size() * static_cast<size_t>(comm.num_ranks());
  if (all.size() != wanted)
    return absl::InvalidArgumentError(absl::StrCat(
        operation, ": ranks sum different numbers of values: ", all.size(),
        " in all, but it would be ", wanted, " if all had as many as rank ", comm.rank().value()));
  std::fill(values.begin(), values.end(), 0);
  for (size_t i = 0; i < all.size(); ++i) values[i % values.size()] += all[i];
  return absl::OkStatus();
}

}  // namespace quadhop
