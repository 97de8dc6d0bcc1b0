#include "model/kernels/local_weights.h"

#include "core/base/check.h"

namespace quadhop {
namespace {

// What a piece begins at a multiple of: 64 bytes once it is rounded to BF16. cuBLASLt reads a bias
// as widely as it likes, whatever its width.
constexpr int64_t kFloatsAligned = 32;

// Hands out pieces of one array, one after another; with a null base it only counts.
class Carver {
 public:
  explicit Carver(float* base) : base_(base) {}
  void Vector(int64_t n, TensorView<float>& view) { view = TensorView<float>(Take(n), {n}); }
  void Matrix(int64_t rows, int64_t columns, TensorView<float>& view) {
    view = TensorView<float>(Take(rows * columns), {rows, columns});
  }
  // Two that follow each other without a gap.
  void Pair(int64_t n, TensorView<float>& first, TensorView<float>& second) {
    float* const piece = Take(2 * n);
    first = TensorView<float>(piece, {n});
    second = TensorView<float>(piece == nullptr ? nullptr : piece + n, {n});
  }
  int64_t taken() const { return taken_; }

 private:
  float* Take(int64_t n) {
    float* piece = base_ == nullptr ? nullptr : base_ + taken_;
    taken_ += (n + kFloatsAligned - 1) / kFloatsAligned * kFloatsAligned;
    return piece;
  }
  float* base_;
  int64_t taken_ = 0;
};

int64_t Carve(const LargeGTDims& dims, float* base, LocalWeights& w) {
  const int64_t width = dims.width, wide = dims.wide();
  Carver carver(base);
  carver.Matrix(width, dims.token_columns(), w.w_in);
  carver.Vector(width, w.b_in);
  carver.Matrix(width, width, w.w_embed);
  carver.Vector(width, w.b_embed);
  carver.Vector(width, w.z_scale);
  carver.Vector(width, w.z_shift);
  carver.Matrix(width, wide, w.m);
  carver.Vector(wide, w.c);
  carver.Matrix(wide, wide, w.n);
  carver.Vector(wide, w.b_out);
  carver.Matrix(wide, width, w.w_residual);
  carver.Vector(wide, w.b_residual);
  carver.Pair(wide, w.t_scale, w.t_shift);
  carver.Vector(wide, w.w_read);
  return carver.taken();
}

}  // namespace

LocalWeights::LocalWeights(const LargeGTDims& dims, float* base) {
  QH_CHECK(base != nullptr);
  Carve(dims, base, *this);
}

int64_t LocalWeights::NumFloats(const LargeGTDims& dims) {
  LocalWeights unused;
  return Carve(dims, nullptr, unused);
}

}  // namespace quadhop
