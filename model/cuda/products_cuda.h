// Matrix products on a GPU, by cuBLASLt.
#pragma once

#include <absl/status/statusor.h>
#include <cuda_bf16.h>

#include <cstdint>
#include <memory>

#include "core/cuda/cuda_device.h"
#include "model/kernels/matrix_ref.h"

namespace quadhop::cuda {

// Where a product is stored, with rows `stride` elements apart. Products that differ only in being
// stored some multiples of `step` elements from each other, like gradients of partitions, are made
// in the same way.
template <typename T>
struct ResultRef {
  T* data;
  int64_t stride;
  int64_t step = 0;
};

// What is done to c before it is stored.
struct Epilogue {
  const void* bias = nullptr;  // [n], of c's type, added to every row; nullptr: none
  bool relu = false;           // with a bias only
};

// Sums are in float. Results are a function of the arguments' sizes and values, and of the kind of
// GPU, to the last bit. Work is queued on the device's stream, and errors are kept in the device.
// Used by one thread.
class Products {
 public:
  virtual ~Products() = default;

  // c [m, n] = alpha * a [m, k] b [k, n] + beta * c, with a and b after transposition. beta is 0
  // or 1, and 0 with an epilogue. k may be 0 without one.
  virtual void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b,
                        float beta, ResultRef<float> c, float alpha = 1.0f,
                        Epilogue epilogue = {}) = 0;
  virtual void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<__nv_bfloat16> a,
                        MatrixRef<__nv_bfloat16> b, float beta, ResultRef<float> c,
                        float alpha = 1.0f, Epilogue epilogue = {}) = 0;
  virtual void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<__nv_bfloat16> a,
                        MatrixRef<__nv_bfloat16> b, float beta, ResultRef<__nv_bfloat16> c,
                        float alpha = 1.0f, Epilogue epilogue = {}) = 0;

 private:
  friend class Together;
  virtual void BeginTogether() = 0;
  virtual void EndTogether() = 0;
};

// The largest power of two up to 16 that divides the addresses of all rows of a matrix, and of all
// matrices some multiples of `step_bytes` from it. Not of this matrix's first row alone: then the
// results of a slice would depend on where in the batch it begins or, for gradients, on its
// partition.
constexpr uint32_t AlignmentOf(uintptr_t address, int64_t row_bytes, int64_t step_bytes = 0) {
  const uintptr_t bits = address | static_cast<uintptr_t>(row_bytes | step_bytes) | 16u;
  return static_cast<uint32_t>(bits & (~bits + 1));
}

// While it exists, products must not depend on each other, and may be made at the same time.
class Together {
 public:
  explicit Together(Products& products) : products_(products) { products_.BeginTogether(); }
  ~Together() { products_.EndTogether(); }
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;

 private:
  Products& products_;
};

// What products use of floats: all bits, or ten bits of the mantissa, on tensor cores.
enum class FloatOperands { kF32, kTF32 };

// `device` must outlive the result.
absl::StatusOr<std::unique_ptr<Products>> MakeProducts(Device& device, FloatOperands operands);

}  // namespace quadhop::cuda
