// Sums over partitions that do not depend on how many ranks hold them. DESIGN.md section 1,
// promise 1.
//
// The P summands are combined in one fixed binary tree over partitions: node [a, b) is the sum of
// [a, m) and [m, b), m = a + the largest power of two below b - a. Each rank adds up the subtrees
// that lie within its own run, chunks of those go to the rank that completes the chunk's tree, and
// the sums are gathered: with R = P this has the volume of a ring all-reduce. Short sums are
// completed on every rank instead, in one trip; the digits are the same.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>

#include "comm/collectives/communicator.h"
#include "comm/sums/partition_owners.h"
#include "comm/sums/row_adder.h"

namespace quadhop {
namespace internal {

// The sum of rows in the memory where `adder` adds.
struct RowSum {
  RowElement element;
  std::byte* summands;  // [num_owned, num_elements]
  std::byte* sum;       // [num_elements]
  int64_t num_elements;
};
absl::Status OrderedSum(Communicator& comm, const PartitionOwners& owners,
                        absl::string_view operation, RowAdder& adder, const RowSum& rows);

}  // namespace internal

// summands [num_owned, n]: one row per partition of this rank, ascending; overwritten (scratch).
// sum [n], apart from summands: the same on every rank, in every digit, for every R. n is the same
// on all ranks. T is float, double, int64_t or Moments: addition need not commute or associate.
// Both are in the memory of `adder`. On one rank the sum is queued there, and not waited for;
// between ranks `comm` is handed buffers in that memory. Collective. kInvalidArgument if sizes do
// not match; other errors as AllToAllV.
template <typename T>
absl::Status OrderedSum(Communicator& comm, const PartitionOwners& owners,
                        absl::string_view operation, RowAdder& adder, absl::Span<T> summands,
                        absl::Span<T> sum) {
  static_assert(BytesOf(kRowElement<T>) == sizeof(T));
  const int64_t n = static_cast<int64_t>(sum.size());
  if (owners.num_ranks() != comm.num_ranks() ||
      static_cast<int64_t>(summands.size()) != owners.num_owned(comm.rank()) * n)
    return absl::InvalidArgumentError(absl::StrCat(
        operation, ": ", summands.size(), " summands for a sum of ", n, " on rank ",
        comm.rank().value(), " of ", comm.num_ranks(), ", with owners for ", owners.num_ranks(),
        " ranks; pass one row of the sum's length for each partition the rank owns"));
  return internal::OrderedSum(comm, owners, operation, adder,
                              {kRowElement<T>, reinterpret_cast<std::byte*>(summands.data()),
                               reinterpret_cast<std::byte*>(sum.data()), n});
}
// In the host's memory.
template <typename T>
absl::Status OrderedSum(Communicator& comm, const PartitionOwners& owners,
                        absl::string_view operation, absl::Span<T> summands, absl::Span<T> sum) {
  HostRowAdder adder;
  return OrderedSum(comm, owners, operation, adder, summands, sum);
}

}  // namespace quadhop
