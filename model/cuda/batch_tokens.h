// Which token rows belong to which node of a batch, on the device.
#pragma once

#include <cstdint>

#include "core/batch/batch.h"
#include "core/cuda/cuda_device.h"
#include "model/kernels/batch_arrays.h"

namespace quadhop::cuda {

// The form that kernels take.
struct TokenRows {
  int64_t nodes;                  // B
  int64_t rows;                   // T: tokens of all nodes
  int most_tokens;                // of any node
  const int64_t* begin;           // [B + 1]: tokens of node b are rows [begin[b], begin[b + 1])
  const int32_t* node;            // [T]
  const float* log_multiplicity;  // [T]
  const float* log_own_others;    // [B]: log(first token's multiplicity - 1); -inf if that is 0
};

// Kept from the forward to the backward pass.
class BatchTokens {
 public:
  void Set(Device& device, const Batch& batch, const BatchArrays& arrays, int64_t hops_and_self);
  const TokenRows& rows() const { return rows_; }

 private:
  TokenRows rows_{};
  Buffer<int64_t> begin_;
  Buffer<int32_t> node_;
  Buffer<float> log_multiplicity_, log_own_others_;
};

}  // namespace quadhop::cuda
