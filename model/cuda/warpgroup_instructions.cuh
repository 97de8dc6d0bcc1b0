// The instructions of a Hopper GPU (compute capability 9.0) with which four warps together
// multiply, straight from shared memory. (NVIDIA, "PTX ISA": wgmma.)
//
// A matrix in shared memory is made of panels of 64 columns, which begin at multiples of 1024
// bytes: rows of 128 bytes, whose 8 pieces of 16 bytes change places from row to row, so that
// columns are read without conflicts ("128-byte swizzle"). A product takes it by rows (summing over
// its columns) or by columns (summing over its rows): "K-major" and "MN-major" in that manual.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace quadhop::cuda {

inline constexpr int kGroupThreads = 128;
inline constexpr int kPanelColumns = 64;
inline constexpr int kPanelRowBytes = 128;

// Bytes from the beginning of a panel to a piece of a row.
__device__ constexpr int PlaceInPanel(int row, int piece) {
  return row * kPanelRowBytes + ((piece ^ row) % 8) * 16;
}

// Operands that begin at a place in the panels, given as if no pieces had changed places. By
// columns, panels are `panel_bytes` apart.
__device__ inline uint64_t OperandFrom(const void* begin, int panel_bytes) {
  constexpr uint64_t kSwizzle128 = uint64_t{1} << 62, kEightRows = 8 * kPanelRowBytes;
  auto address = static_cast<uint64_t>(__cvta_generic_to_shared(begin));
  asm volatile("" : "+l"(address));  // else operands are kept in registers from product to product
  return kSwizzle128 | (kEightRows >> 4) << 32 | static_cast<uint64_t>(panel_bytes >> 4) << 16 |
         (address & 0x3FFFF) >> 4;
}
__device__ inline uint64_t RowOperand(const void* begin) { return OperandFrom(begin, 16); }
__device__ inline uint64_t ColumnOperand(const void* begin, int panel_bytes) {
  return OperandFrom(begin, panel_bytes);
}

// Products after this call see what this thread wrote or copied to shared memory before it.
__device__ inline void ShowToProducts() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
// Waits until all threads of the group of four warps have come this far. id: 1 to 15, one per
// group.
__device__ inline void GroupBarrier(int id) {
  asm volatile("bar.sync %0, 128;" ::"r"(id) : "memory");
}

// Around products: the sums are theirs from BeginProducts until WaitForProducts. What is computed
// between EndProducts and the wait is computed beside them.
template <int kSums>
__device__ void HoldSums(float (&sums)[kSums]) {
#pragma unroll
  for (int i = 0; i < kSums; ++i) asm volatile("" : "+f"(sums[i])::"memory");
}
__device__ inline void BeginProducts() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void EndProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
__device__ inline void WaitForProducts() {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

// sums [64, 2 * kSums] of a group += a [64, 16] b [16, 2 * kSums], or = without `add`; in bf16,
// summed in float. Warp w has rows from 16 w on, and of each 8 columns what MultiplyAdd
// (matrix_instructions.cuh) says. a is taken by rows, or by columns if kColumnsOfA; b likewise (its
// columns being rows of what is multiplied).
//
//   MultiplyShared<kColumnsOfA, kColumnsOfB>(float (&sums)[kSums], uint64_t a, uint64_t b, bool
//   add)
//
// The same with a in registers, as MultiplyAdd takes it; b is taken by columns:
//
//   MultiplyRegisters(float (&sums)[kSums], const uint32_t (&a)[4], uint64_t b, bool add)
//
// kSums is 32, 64, 80 or 128 for MultiplyShared, 32 or 64 for MultiplyRegisters: an instruction
// names each of its registers.
#define QH_SUMS_4(i) "+f"(sums[i]), "+f"(sums[i + 1]), "+f"(sums[i + 2]), "+f"(sums[i + 3])
#define QH_SUMS_16(i) QH_SUMS_4(i), QH_SUMS_4(i + 4), QH_SUMS_4(i + 8), QH_SUMS_4(i + 12)
#define QH_SUMS_32(i) QH_SUMS_16(i), QH_SUMS_16(i + 16)
#define QH_NAMES_32                                                        \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define QH_NAMES_64                                                                  \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "           \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define QH_NAMES_80                                                                  \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "           \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define QH_NAMES_128                                                                             \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                       \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "             \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "             \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "             \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "             \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "             \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

#define QH_MULTIPLY_SHARED(kSums, kColumns, kA, kB, kAdd, kTransposeA, kTransposeB, ...)           \
  template <bool kColumnsOfA, bool kColumnsOfB>                                                    \
  __device__ void MultiplyShared(float(&sums)[kSums], uint64_t a, uint64_t b, bool add) {          \
    asm volatile("{ .reg .pred add; setp.ne.b32 add, " kAdd                                        \
                 ", 0; "                                                                           \
                 "wgmma.mma_async.sync.aligned.m64n" kColumns                                      \
                 "k16.f32.bf16.bf16 {" QH_NAMES_##kSums                                            \
                 "}, " kA ", " kB ", add, 1, 1, " kTransposeA ", " kTransposeB "; }"               \
                 : __VA_ARGS__                                                                     \
                 : "l"(a), "l"(b), "r"(static_cast<int>(add)), "n"(static_cast<int>(kColumnsOfA)), \
                   "n"(static_cast<int>(kColumnsOfB)));                                            \
  }
#define QH_MULTIPLY_REGISTERS(kSums, kColumns, kA, kB, kAdd, ...)                                  \
  __device__ inline void MultiplyRegisters(float(&sums)[kSums], const uint32_t(&a)[4], uint64_t b, \
                                           bool add) {                                             \
    asm volatile("{ .reg .pred add; setp.ne.b32 add, " kAdd                                        \
                 ", 0; "                                                                           \
                 "wgmma.mma_async.sync.aligned.m64n" kColumns                                      \
                 "k16.f32.bf16.bf16 {" QH_NAMES_##kSums "}, " kA ", " kB ", add, 1, 1, 1; }"       \
                 : __VA_ARGS__                                                                     \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b),                             \
                   "r"(static_cast<int>(add)));                                                    \
  }

QH_MULTIPLY_SHARED(32, "64", "%32", "%33", "%34", "%35", "%36", QH_SUMS_32(0))
QH_MULTIPLY_SHARED(64, "128", "%64", "%65", "%66", "%67", "%68", QH_SUMS_32(0), QH_SUMS_32(32))
QH_MULTIPLY_SHARED(80, "160", "%80", "%81", "%82", "%83", "%84", QH_SUMS_32(0), QH_SUMS_32(32),
                   QH_SUMS_16(64))
QH_MULTIPLY_SHARED(128, "256", "%128", "%129", "%130", "%131", "%132", QH_SUMS_32(0),
                   QH_SUMS_32(32), QH_SUMS_32(64), QH_SUMS_32(96))
QH_MULTIPLY_REGISTERS(32, "64", "{%32, %33, %34, %35}", "%36", "%37", QH_SUMS_32(0))
QH_MULTIPLY_REGISTERS(64, "128", "{%64, %65, %66, %67}", "%68", "%69", QH_SUMS_32(0),
                      QH_SUMS_32(32))

#undef QH_MULTIPLY_REGISTERS
#undef QH_MULTIPLY_SHARED
#undef QH_NAMES_128
#undef QH_NAMES_80
#undef QH_NAMES_64
#undef QH_NAMES_32
#undef QH_SUMS_32
#undef QH_SUMS_16
#undef QH_SUMS_4

}  // namespace quadhop::cuda
