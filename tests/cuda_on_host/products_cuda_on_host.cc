// Matrix products of the stand-in for CUDA, in plain loops.
#include <bit>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "model/cuda/products_cuda.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {
namespace {

// With ten bits of the mantissa, rounded to the nearest, as a tensor core takes a float.
float RoundToTF32(float value) {
  constexpr uint32_t kDropped = 13;
  const uint32_t bits = std::bit_cast<uint32_t>(value), half = uint32_t{1} << (kDropped - 1);
  if (!std::isfinite(value)) return value;
  return std::bit_cast<float>(((bits + half) >> kDropped) << kDropped);
}

template <typename T>
double At(const MatrixRef<T>& matrix, int64_t row, int64_t column, FloatOperands operands) {
  const int64_t at =
      matrix.transposed ? column * matrix.stride + row : row * matrix.stride + column;
  const float value = ToFloat(matrix.data[at]);
  return double{operands == FloatOperands::kTF32 ? RoundToTF32(value) : value};
}

// A thread an element of c.
template <typename T, typename C>
void ProductKernel(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b,
                   FloatOperands operands, float alpha, float beta, ResultRef<C> c,
                   Epilogue epilogue) {
  const int64_t item = ThreadOfGrid(), row = item / n, column = item % n;
  if (row >= m) return;
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) sum += At(a, row, i, operands) * At(b, i, column, operands);
  sum *= double{alpha};
  C& result = c.data[row * c.stride + column];
  if (beta != 0) sum += double{beta} * double{ToFloat(result)};
  if (epilogue.bias != nullptr)
    sum += double{ToFloat(static_cast<const C*>(epilogue.bias)[column])};
  if (epilogue.relu && sum < 0) sum = 0;
  result = FromFloat<C>(static_cast<float>(sum));
}

class HostProducts final : public Products {
 public:
  HostProducts(Device& device, FloatOperands operands) : device_(device), operands_(operands) {}

  void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b, float beta,
                ResultRef<float> c, float alpha, Epilogue epilogue) override {
    Queue(m, n, k, a, b, beta, c, alpha, epilogue);
  }
  void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<__nv_bfloat16> a,
                MatrixRef<__nv_bfloat16> b, float beta, ResultRef<float> c, float alpha,
                Epilogue epilogue) override {
    Queue(m, n, k, a, b, beta, c, alpha, epilogue);
  }
  void Multiply(int64_t m, int64_t n, int64_t k, MatrixRef<__nv_bfloat16> a,
                MatrixRef<__nv_bfloat16> b, float beta, ResultRef<__nv_bfloat16> c, float alpha,
                Epilogue epilogue) override {
    Queue(m, n, k, a, b, beta, c, alpha, epilogue);
  }

 private:
  void BeginTogether() override {
    QH_CHECK(!together_);
    together_ = true;
    num_queued_ = cuda_on_host::NumQueued(device_.stream());
  }
  // The last first: no order is promised, nor among them and other work.
  void EndTogether() override {
    cuda_on_host::Check(cuda_on_host::NumQueued(device_.stream()) == num_queued_,
                        "other work among products made together");
    together_ = false;
    for (auto launch = launches_.rbegin(); launch != launches_.rend(); ++launch) (*launch)();
    launches_.clear();
  }

  template <typename T, typename C>
  void Queue(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, float beta,
             ResultRef<C> c, float alpha, const Epilogue& epilogue) {
    if (m == 0 || n == 0) return;
    QH_CHECK(beta == 0 || (beta == 1 && epilogue.bias == nullptr));
    QH_CHECK(k > 0 || epilogue.bias == nullptr);
    auto launch = [=, this] {
      device_.Launch(ProductKernel<T, C>, {BlocksOfThreads(m * n), kBlockThreads}, m, n, k, a, b,
                     operands_, alpha, beta, c, epilogue);
    };
    if (!together_) return launch();
    launches_.push_back(std::move(launch));
  }

  Device& device_;
  const FloatOperands operands_;
  bool together_ = false;
  int64_t num_queued_ = 0;                       // on the device before those made together
  std::vector<std::function<void()>> launches_;  // of those made together
};

}  // namespace

absl::StatusOr<std::unique_ptr<Products>> MakeProducts(Device& device, FloatOperands operands) {
  return std::make_unique<HostProducts>(device, operands);
}

}  // namespace quadhop::cuda
