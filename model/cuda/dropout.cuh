// A dropout as kernels take it.
#pragma once

#include "core/base/rng.h"
#include "model/cuda/warp.cuh"
#include "model/kernels/dropout_mask.h"
#include "model/kernels/kernels.h"

namespace quadhop::cuda {

struct DeviceDropout {
  uint32_t threshold = 0;  // 0: none, and the rest is not used
  float scale = 1;         // of what is kept
  uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kInputDropout;
  const int64_t* step = nullptr;
  const GlobalId* nodes = nullptr;  // [B]
  const uint64_t* keys = nullptr;   // [B]: DropoutKey of each, if they have been made
};

inline DeviceDropout DeviceDropoutOf(const Dropout& dropout) {
  if (dropout.probability == 0) return {};
  return {DropoutThreshold(dropout.probability),
          DropoutScale(dropout.probability),
          dropout.seed,
          dropout.purpose,
          dropout.step,
          dropout.nodes.data(),
          nullptr};
}

// The key of batch row `row`.
__device__ inline uint64_t DropoutKey(const DeviceDropout& dropout, int64_t row) {
  if (dropout.keys != nullptr) return dropout.keys[row];
  return StreamKey(dropout.seed, dropout.purpose, static_cast<uint64_t>(*dropout.step),
                   static_cast<uint64_t>(dropout.nodes[row].value()));
}

// The keep mask of values [8 * block, 8 * block + 8) of batch row `row`; without dropout all are
// kept.
__device__ inline uint8_t KeepMaskOf(const DeviceDropout& dropout, int64_t row, int64_t block) {
  if (dropout.threshold == 0) return 0xFF;
  return KeepMask(DropoutKey(dropout, row), static_cast<uint64_t>(block), dropout.threshold);
}

}  // namespace quadhop::cuda
