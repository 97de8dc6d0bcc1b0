// Matrix products on a GPU, by cuBLASLt.
#pragma once

#include <absl/status/statusor.h>
#include <cuda_bf16.h>

#include <cstdint>
#include <memory>

#include "core/cuda/cuda_device.h"

namespace quadhop::cuda {

// A matrix in device memory: rows `stride` elements apart; `transposed` says that the product takes
// its transpose.
template <typename T>
struct MatrixRef {
  const T* data;
  int64_t stride;
  bool transposed = false;
};

// What is done to c before it is stored.
struct Epilogue {
  const void* bias = nullptr;  // [n], of c's type, added to every row; nullptr: none
  bool relu = false;           // with a bias only
};

// Sums are in float. Digits are a function of the arguments' sizes and values, and of the kind of
// GPU. Work is queued on the device's stream, and errors are the device's. Used by one thread.
class Products {
 public:
  virtual ~Products() = default;

  // c [m, n] (rows c_stride apart) = alpha * a [m, k] b [k, n] + beta * c, with a and b after
  // transposition. k may be 0. beta is 0 with an epilogue.
  virtual void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b,
                        float beta, float* c, int64_t c_stride, float alpha = 1.0f,
                        Epilogue epilogue = {}) = 0;
  virtual void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<__nv_bfloat16> a,
                        MatrixRef<__nv_bfloat16> b, float beta, float* c, int64_t c_stride,
                        float alpha = 1.0f, Epilogue epilogue = {}) = 0;
  virtual void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<__nv_bfloat16> a,
                        MatrixRef<__nv_bfloat16> b, float beta, __nv_bfloat16* c, int64_t c_stride,
                        float alpha = 1.0f, Epilogue epilogue = {}) = 0;

 private:
  friend class Together;
  virtual void BeginTogether() = 0;
  virtual void EndTogether() = 0;
};

// While it lives, products do not depend on each other, and may be made at the same time.
class Together {
 public:
  explicit Together(Products& products) : products_(products) { products_.BeginTogether(); }
  ~Together() { products_.EndTogether(); }
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;

 private:
  Products& products_;
};

// What products take of floats: all of them, or ten bits of the mantissa, on tensor cores.
enum class FloatOperands { kF32, kTF32 };

// `device` must outlive them.
absl::StatusOr<std::unique_ptr<Products>> MakeProducts(Device& device, FloatOperands operands);

}  // namespace quadhop::cuda
