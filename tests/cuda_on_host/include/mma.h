// Tensor-core tiles of the stand-in for CUDA: lane 0 of a warp holds them whole.
#pragma once

#include "cuda_bf16.h"
#include "cuda_runtime.h"

namespace nvcuda::wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major };

template <typename Use, int kM, int kN, int kK, typename T, typename Layout = row_major>
struct fragment {
  static_assert(kM == 16 && kN == 16 && kK == 16);
  T at[16][16];
};

inline bool IsFirstLane() { return threadIdx.x % 32 == 0; }

// What the hardware asks of a tile in memory.
inline void CheckTile(const void* memory, unsigned stride, size_t value_bytes) {
  if (reinterpret_cast<uintptr_t>(memory) % 32 != 0) cuda_on_host::Bug("a tile off 32 bytes");
  if (stride * value_bytes % 16 != 0) cuda_on_host::Bug("a tile whose rows are off 16 bytes");
}

template <typename Fragment>
void fill_fragment(Fragment& fragment, float value) {
  for (auto& row : fragment.at)
    for (auto& element : row) element = value;
}

template <typename Use, typename T, typename Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout>& tile, const T* memory,
                      unsigned stride) {
  cuda_on_host::WarpBarrier();
  if (!IsFirstLane()) return;
  CheckTile(memory, stride, sizeof(T));
  for (unsigned r = 0; r < 16; ++r) {
    for (unsigned c = 0; c < 16; ++c)
      tile.at[r][c] =
          std::is_same_v<Layout, row_major> ? memory[r * stride + c] : memory[c * stride + r];
  }
}

template <typename Left, typename Right, typename Sum>
void mma_sync(Sum& result, const Left& left, const Right& right, const Sum& sum) {
  if (!IsFirstLane()) return;
  for (int r = 0; r < 16; ++r) {
    for (int c = 0; c < 16; ++c) {
      float value = sum.at[r][c];
      for (int k = 0; k < 16; ++k)
        value += __bfloat162float(left.at[r][k]) * __bfloat162float(right.at[k][c]);
      result.at[r][c] = value;
    }
  }
}

template <typename Sum>
void store_matrix_sync(float* memory, const Sum& sum, unsigned stride, layout_t) {
  cuda_on_host::WarpBarrier();
  if (!IsFirstLane()) return;
  CheckTile(memory, stride, sizeof(float));
  for (unsigned r = 0; r < 16; ++r)
    for (unsigned c = 0; c < 16; ++c) memory[r * stride + c] = sum.at[r][c];
}

}  // namespace nvcuda::wmma
