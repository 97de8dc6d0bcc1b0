// Merges samples that a node has several times into one entry with a multiplicity.
#pragma once

#include <cstdint>
#include <vector>

#include "core/batch/batch.h"

namespace quadhop {

// Small pools are repeated until there are K samples, and a node may be reached in one step and in
// two: the model need not compute with the same row twice. Keeps its memory; not thread-safe.
class RepeatMerger {
 public:
  // batch.sampled is [B, k] rows in [0, num_rows), and becomes the distinct ones of each node in
  // the order of their first occurrence, with their offsets and multiplicities.
  void Merge(int64_t k, int64_t num_rows, Batch& batch);

 private:
  std::vector<int64_t> entries_;  // [num_rows]: the last entry of each row, -1: none
};

}  // namespace quadhop
