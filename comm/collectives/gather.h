// Small gathers, broadcasts and sums over ranks, made of a communicator's collectives.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "comm/collectives/communicator.h"
#include "core/base/status.h"

namespace quadhop {

// Every rank's value, by rank, on every rank. Collective.
template <typename T>
absl::StatusOr<std::vector<T>> GatherOne(Communicator& comm, absl::string_view operation,
                                         const T& mine) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::vector<T> all(static_cast<size_t>(comm.num_ranks()));
  QH_RETURN_IF_ERROR(
      comm.AllGatherV(operation, {reinterpret_cast<const uint8_t*>(&mine), sizeof(T)},
                      std::vector<int64_t>(all.size(), sizeof(T)),
                      {reinterpret_cast<uint8_t*>(all.data()), all.size() * sizeof(T)}));
  return all;
}

// Every rank's values, by rank, on every rank; their numbers may differ, and are written to
// `counts` [R] if that is given. Collective.
template <typename T>
absl::StatusOr<std::vector<T>> GatherOverRanks(Communicator& comm, absl::string_view operation,
                                               absl::Span<const T> mine,
                                               std::vector<int64_t>* counts = nullptr) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto my_bytes = static_cast<int64_t>(mine.size() * sizeof(T));
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes_bytes, GatherOne(comm, operation, my_bytes));
  const int64_t all_bytes = std::accumulate(sizes_bytes.begin(), sizes_bytes.end(), int64_t{0});
  std::vector<T> all(static_cast<size_t>(all_bytes) / sizeof(T));
  QH_RETURN_IF_ERROR(comm.AllGatherV(
      operation, {reinterpret_cast<const uint8_t*>(mine.data()), static_cast<size_t>(my_bytes)},
      sizes_bytes, {reinterpret_cast<uint8_t*>(all.data()), static_cast<size_t>(all_bytes)}));
  if (counts != nullptr) {
    counts->clear();
    for (const int64_t size_bytes : sizes_bytes)
      counts->push_back(size_bytes / static_cast<int64_t>(sizeof(T)));
  }
  return all;
}

// Every rank's text, by rank, on every rank. Collective.
absl::StatusOr<std::vector<std::string>> GatherTexts(Communicator& comm,
                                                     absl::string_view operation,
                                                     absl::string_view mine);

// Rank `root`'s value, on every rank: the others' values are ignored. Collective.
template <typename T>
absl::StatusOr<T> BroadcastValue(Communicator& comm, absl::string_view operation, Rank root,
                                 T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  QH_RETURN_IF_ERROR(
      comm.Broadcast(operation, root, {reinterpret_cast<uint8_t*>(&value), sizeof(T)}));
  return value;
}

// Rank `root`'s text, on every rank. Collective.
absl::StatusOr<std::string> BroadcastText(Communicator& comm, absl::string_view operation,
                                          Rank root, absl::string_view text);

// Every rank's values, by rank, on rank `root`, and nothing on the others; their numbers may
// differ. Collective.
template <typename T>
absl::StatusOr<std::vector<T>> GatherToRank(Communicator& comm, absl::string_view operation,
                                            Rank root, absl::Span<const T> mine) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto my_size = static_cast<int64_t>(mine.size());
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, GatherOne(comm, operation, my_size));
  std::vector<Communicator::Message> messages(sizes.size());
  Communicator::Message& to_root = messages[static_cast<size_t>(root.value())];
  to_root.send = mine.data();
  to_root.send_bytes = my_size * static_cast<int64_t>(sizeof(T));
  std::vector<T> all;
  if (comm.rank() == root) {
    all.resize(static_cast<size_t>(std::accumulate(sizes.begin(), sizes.end(), int64_t{0})));
    T* place = all.data();
    for (size_t r = 0; r < sizes.size(); ++r) {
      messages[r].receive = place;
      messages[r].receive_bytes = sizes[r] * static_cast<int64_t>(sizeof(T));
      place += sizes[r];
    }
  }
  QH_RETURN_IF_ERROR(comm.AllToAllV(operation, messages));
  return all;
}

// Replaces values [n] on every rank by their sums over ranks. kInvalidArgument, on some ranks, if n
// differs. Collective.
absl::Status SumOverRanks(Communicator& comm, absl::string_view operation,
                          absl::Span<int64_t> values);

}  // namespace quadhop
