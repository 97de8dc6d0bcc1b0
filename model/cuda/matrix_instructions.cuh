// The GPU instructions that products of small matrices are made of: fragments of a warp, and copies
// to shared memory that go on in the background. (NVIDIA, "PTX ISA": ldmatrix, mma.m16n8k16,
// cp.async.)
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace quadhop::cuda {

// Four 8 x 8 matrices of 16-bit values from shared memory. Lane l gives the address, a multiple of
// 16 bytes, of row l % 8 of matrix l / 8, and gets, from row l / 4 of each matrix, columns
// 2 * (l % 4) and the next; or, transposed, from column l / 4 these rows.
__device__ inline void LoadMatrices(const void* row, uint32_t (&values)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(values[0]), "=r"(values[1]), "=r"(values[2]), "=r"(values[3])
               : "r"(address)
               : "memory");
}
__device__ inline void LoadMatricesTransposed(const void* row, uint32_t (&values)[4]) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(values[0]), "=r"(values[1]), "=r"(values[2]), "=r"(values[3])
               : "r"(address)
               : "memory");
}

// c [16, 8] += a [16, 16] b [16, 8] in bf16, summed in float. With g = lane / 4 and t = 2 * (lane %
// 4) a lane has: of a, (g, t), (g + 8, t), (g, t + 8), (g + 8, t + 8), each with the next column;
// of b, (t, g) and (t + 8, g), each with the next row; of c, (g, t), (g, t + 1), (g + 8, t),
// (g + 8, t + 1).
__device__ inline void MultiplyAdd(float (&c)[4], const uint32_t (&a)[4], uint32_t b_first,
                                   uint32_t b_second) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b_first), "r"(b_second));
}

// Copies 16 bytes of global memory to shared memory, or zeros if there are none to be read; both
// addresses are multiples of 16 bytes. The bytes are there once the thread has waited for the
// copies' group.
__device__ inline void CopyBehind(void* shared, const void* global, bool is_there) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(global),
               "r"(is_there ? 16 : 0)
               : "memory");
}
// Ends a group of this thread's copies.
__device__ inline void EndCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most the `kPending` newest groups are not there yet.
template <int kPending>
__device__ void WaitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace quadhop::cuda
