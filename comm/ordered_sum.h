// Sums over partitions that do not depend on how many ranks hold them. DESIGN.md section 1, promise 1.
//
// The P summands are combined in one fixed binary tree over partitions: node [a, b) is the sum of [a, m) and [m, b),
// m = a + the largest power of two below b - a. Each rank adds up the subtrees that lie within its own run, chunks of
// those go to the rank that completes the chunk's tree, and the sums are gathered: with R = P the volume of a ring
// all-reduce.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "comm/communicator.h"

namespace quadhop {

// Which partitions each rank owns: contiguous runs, in rank order.
struct PartitionOwners {
  std::vector<int32_t> first;  // [R + 1]: rank r owns partitions [first[r], first[r+1])
  int32_t num_partitions() const { return first.back(); }
  int32_t num_owned(Rank r) const {
    return first[static_cast<size_t>(r.value()) + 1] - first[static_cast<size_t>(r.value())];
  }
  // Runs as even as can be by `cost` [P]; every rank gets at least one. kInvalidArgument if R > P.
  static absl::StatusOr<PartitionOwners> Split(absl::Span<const double> cost, int32_t num_ranks);
};

// summands [num_owned, n]: one row a partition of this rank, ascending; overwritten (scratch). sum [n]: the same on every
// rank, in every digit, for every R. T is trivially copyable and has operator+=; a sum need not commute or associate
// (float, double, int64_t, Moments).
template <typename T>
absl::Status OrderedSum(Communicator& comm, const PartitionOwners& owners,
                        absl::string_view operation, absl::Span<T> summands, absl::Span<T> sum);

// Count, mean and sum of squared deviations of some values. += merges two sets (Chan, Golub and LeVeque, 1979).
struct Moments {
  double count = 0;
  double mean = 0;
  double m2 = 0;
  Moments& operator+=(const Moments& other) {
    if (other.count == 0) return *this;
    const double total = count + other.count;
    const double delta = other.mean - mean;
    mean += delta * (other.count / total);
    m2 += other.m2 + delta * delta * (count * other.count / total);
    count = total;
    return *this;
  }
};

}  // namespace quadhop
