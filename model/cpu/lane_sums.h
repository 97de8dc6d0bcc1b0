// Sums of partial gradients in one fixed order, with memory for only as many of them as are in
// progress or wait for an earlier one of their partition.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/arrays/tensor.h"
#include "model/cpu/row_ops.h"

namespace quadhop::cpu {

// Arrays of floats that LaneSums hands out and takes back; kept from step to step.
class LaneMemory {
 public:
  // An array of n floats, values unspecified. If n is not that of the call before, which happens
  // between models, the arrays kept are freed. All that were taken must have been returned by then.
  std::unique_ptr<float[]> Take(int64_t n);
  void Return(std::unique_ptr<float[]> array) { free_.push_back(std::move(array)); }

 private:
  int64_t n_ = 0;
  std::vector<std::unique_ptr<float[]>> free_;  // [n_] each
};

// Lanes are numbered through all partitions: those of partition i are [first_lane[i],
// first_lane[i + 1]), at least one each. A partition's sum is the sum of its lanes' arrays, added
// in ascending order by whichever thread ends the next lane: no thread waits. Thread-safe.
class LaneSums {
 public:
  // sums [Pl, n] is written; it and `memory` are borrowed.
  LaneSums(std::vector<size_t> first_lane, TensorView<float> sums, LaneMemory& memory);

  // The zeroed array of lane `lane` of partition `partition`, for the caller to add to until End.
  // The first lane's array is the sum itself.
  float* Begin(size_t partition, size_t lane);
  void End(size_t partition, size_t lane);

 private:
  struct Lane {
    std::unique_ptr<float[]> array;  // null for the first lane of a partition
    bool ended = false;
  };
  struct Partition {
    size_t next;          // lane to be added
    bool adding = false;  // by some thread
  };

  const RowOps<float>& ops_ = GetRowOps<float>();
  const std::vector<size_t> first_lane_;
  const TensorView<float> sums_;
  std::mutex mutex_;  // guards what follows
  LaneMemory& memory_;
  std::vector<Lane> lanes_;
  std::vector<Partition> partitions_;
};

}  // namespace quadhop::cpu
