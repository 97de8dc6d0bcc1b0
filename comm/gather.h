// Small gathers and sums over ranks, made of a communicator's collectives.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

#include "comm/communicator.h"
#include "core/status.h"

namespace quadhop {

// Every rank's values, by rank, on every rank; their numbers may differ, and are left in `counts`
// [R] if that is wanted. Collective.
template <typename T>
absl::StatusOr<std::vector<T>> GatherOverRanks(Communicator& comm, absl::string_view operation,
                                               absl::Span<const T> mine,
                                               std::vector<int64_t>* counts = nullptr) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto num_ranks = static_cast<size_t>(comm.num_ranks());
  const int64_t my_bytes = static_cast<int64_t>(mine.size() * sizeof(T));
  std::vector<int64_t> sizes_bytes(num_ranks);
  const std::vector<int64_t> bytes_of_a_size(num_ranks, sizeof(int64_t));
  QH_RETURN_IF_ERROR(comm.AllGatherV(
      operation, {reinterpret_cast<const uint8_t*>(&my_bytes), sizeof(my_bytes)}, bytes_of_a_size,
      {reinterpret_cast<uint8_t*>(sizes_bytes.data()), num_ranks * sizeof(int64_t)}));
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

// values [n] on every rank, of equal n: replaced by their sums over ranks. Collective.
absl::Status SumOverRanks(Communicator& comm, absl::string_view operation,
                          absl::Span<int64_t> values);

}  // namespace quadhop
