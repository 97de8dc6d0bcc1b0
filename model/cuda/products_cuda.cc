#include "model/cuda/products_cuda.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>
#include <cublasLt.h>

#include <tuple>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/cuda/cuda_status.h"
#include "model/kernels/product_lanes.h"

namespace quadhop::cuda {
namespace {

#define QH_CUBLAS_STATUS(call) CublasStatus((call), #call, __LINE__)

absl::Status CublasStatus(cublasStatus_t code, absl::string_view call, int line) {
  if (code == CUBLAS_STATUS_SUCCESS) return absl::OkStatus();
  const std::string what =
      absl::StrCat(call, " at ", __FILE__, ":", line, ": ", cublasLtGetStatusName(code));
  if (code == CUBLAS_STATUS_ALLOC_FAILED) return absl::ResourceExhaustedError(what);
  return absl::InternalError(what);
}

template <auto kDestroy>
struct Destroy {
  template <typename T>
  void operator()(T* handle) const {
    // Only invalid handles fail, and these are not.
    static_cast<void>(kDestroy(handle));
  }
};
template <typename Handle, auto kDestroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<kDestroy>>;

using OwnedStream = Owned<cudaStream_t, cudaStreamDestroy>;
using OwnedEvent = Owned<cudaEvent_t, cudaEventDestroy>;
using OwnedHandle = Owned<cublasLtHandle_t, cublasLtDestroy>;
using OwnedProduct = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using OwnedLayout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using OwnedPreference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

// cuBLAS thinks in columns: our row-major c = a b is its c^T = b^T a^T, so that b comes first and
// memory stays as it is. Sizes below are cuBLAS's.
struct Shape {
  cudaDataType_t operand, result;
  int64_t rows, columns, depth;  // of c^T
  int64_t first_stride, second_stride, result_stride;
  bool first_transposed, second_transposed;
  bool accumulates;  // beta is not 0
  cublasLtEpilogue_t epilogue;
  uint32_t first_alignment, second_alignment, result_alignment;  // bytes

  auto Key() const {
    return std::tuple(static_cast<int>(operand), static_cast<int>(result), rows, columns, depth,
                      first_stride, second_stride, result_stride, first_transposed,
                      second_transposed, accumulates, static_cast<int>(epilogue), first_alignment,
                      second_alignment, result_alignment);
  }
  friend bool operator==(const Shape& a, const Shape& b) { return a.Key() == b.Key(); }
  template <typename Hash>
  friend Hash AbslHashValue(Hash state, const Shape& shape) {
    return Hash::combine(std::move(state), shape.Key());
  }
};

// What products made beside others need.
struct Lane {
  OwnedStream stream;  // nullptr: the device's own
  OwnedEvent done;
  Buffer<uint8_t> workspace;
  bool used = false;
};
constexpr size_t kMostPlans = 4096;

absl::StatusOr<OwnedEvent> MakeEvent() {
  cudaEvent_t event = nullptr;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaEventCreateWithFlags(&event, cudaEventDisableTiming)));
  return OwnedEvent(event);
}

absl::StatusOr<std::vector<Lane>> MakeLanes(Device& device) {
  std::vector<Lane> lanes(kProductLanes);
  for (size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].workspace = Buffer<uint8_t>(device, kProductWorkspaceBytes);
    if (i == 0) continue;
    QH_ASSIGN_OR_RETURN(cudaStream_t stream, device.CreateStream());
    lanes[i].stream.reset(stream);
    QH_ASSIGN_OR_RETURN(lanes[i].done, MakeEvent());
  }
  QH_RETURN_IF_ERROR(device.status());
  return lanes;
}

// How products of one shape are made.
struct Plan {
  OwnedProduct product;
  OwnedLayout first, second, result;
  cublasLtMatmulAlgo_t algorithm;
};

template <typename T>
uint32_t AlignmentOfRows(const T* first, int64_t stride, int64_t step = 0) {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
  return AlignmentOf(reinterpret_cast<uintptr_t>(first), stride * kBytes, step * kBytes);
}

absl::StatusOr<OwnedLayout> MakeLayout(cudaDataType_t type, int64_t rows, int64_t columns,
                                       int64_t stride) {
  cublasLtMatrixLayout_t layout = nullptr;
  QH_RETURN_IF_ERROR(QH_CUBLAS_STATUS(cublasLtMatrixLayoutCreate(
      &layout, type, static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), stride)));
  return OwnedLayout(layout);
}

template <typename T>
absl::Status Set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute,
                 const T& value) {
  return QH_CUBLAS_STATUS(cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof(T)));
}
template <typename T>
absl::Status Set(cublasLtMatmulPreference_t preference,
                 cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
  return QH_CUBLAS_STATUS(
      cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(T)));
}

template <typename T>
constexpr cudaDataType_t kTypeOf = CUDA_R_32F;
template <>
constexpr cudaDataType_t kTypeOf<__nv_bfloat16> = CUDA_R_16BF;

class CublasProducts final : public Products {
 public:
  CublasProducts(Device& device, FloatOperands operands, OwnedHandle handle,
                 std::vector<Lane> lanes, OwnedEvent begun)
      : device_(device),
        operands_(operands),
        handle_(std::move(handle)),
        lanes_(std::move(lanes)),
        begun_(std::move(begun)) {}

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
    device_.Note(QH_CUDA_STATUS(cudaEventRecord(begun_.get(), device_.stream())));
  }
  void EndTogether() override {
    together_ = false;
    next_lane_ = 0;
    for (Lane& lane : lanes_) {
      if (!lane.used) continue;
      lane.used = false;
      device_.Note(QH_CUDA_STATUS(cudaEventRecord(lane.done.get(), lane.stream.get())));
      device_.Note(QH_CUDA_STATUS(cudaStreamWaitEvent(device_.stream(), lane.done.get(), 0)));
    }
  }
  // Where the next product goes.
  Lane& NextLane() {
    Lane& lane = lanes_[next_lane_];
    if (!together_) return lane;
    next_lane_ = (next_lane_ + 1) % lanes_.size();
    if (lane.stream != nullptr && !lane.used) {
      lane.used = true;
      device_.Note(QH_CUDA_STATUS(cudaStreamWaitEvent(lane.stream.get(), begun_.get(), 0)));
    }
    return lane;
  }

  template <typename T, typename C>
  void Queue(int64_t m, int64_t n, int64_t k, MatrixRef<T> a, MatrixRef<T> b, float beta,
             ResultRef<C> c, float alpha, const Epilogue& epilogue) {
    if (m == 0 || n == 0 || !device_.status().ok()) return;
    QH_CHECK(beta == 0 || (beta == 1 && epilogue.bias == nullptr));
    if (k == 0) {
      QH_CHECK(epilogue.bias == nullptr);
      if (beta == 0)
        device_.ZeroRows(c.data, m, static_cast<size_t>(n) * sizeof(C),
                         static_cast<size_t>(c.stride) * sizeof(C));
      return;
    }
    Shape shape{};
    shape.operand = kTypeOf<T>;
    shape.result = kTypeOf<C>;
    shape.rows = n;
    shape.columns = m;
    shape.depth = k;
    shape.first_stride = b.stride;
    shape.second_stride = a.stride;
    shape.result_stride = c.stride;
    shape.first_transposed = b.transposed;
    shape.second_transposed = a.transposed;
    shape.accumulates = beta != 0;
    shape.epilogue = epilogue.bias == nullptr ? CUBLASLT_EPILOGUE_DEFAULT
                     : epilogue.relu          ? CUBLASLT_EPILOGUE_RELU_BIAS
                                              : CUBLASLT_EPILOGUE_BIAS;
    shape.first_alignment = AlignmentOfRows(b.data, b.stride);
    shape.second_alignment = AlignmentOfRows(a.data, a.stride);
    // The bias is added to what is stored, and may be read as widely; no preference tells of it.
    shape.result_alignment =
        std::min(AlignmentOfRows(c.data, c.stride, c.step),
                 AlignmentOf(reinterpret_cast<uintptr_t>(epilogue.bias), 0, 0));
    device_.Note(Run(shape, b.data, a.data, alpha, beta, c.data, epilogue.bias));
  }

  absl::Status Run(const Shape& shape, const void* first, const void* second, float alpha,
                   float beta, void* result, const void* bias) {
    auto plan = plans_.find(shape);
    if (plan == plans_.end()) {
      // If equal tokens are merged, sizes differ in nearly every step.
      if (plans_.size() >= kMostPlans) plans_.clear();
      QH_ASSIGN_OR_RETURN(Plan made, MakePlan(shape));
      plan = plans_.emplace(shape, std::move(made)).first;
    }
    const Plan& p = plan->second;
    const Lane& lane = NextLane();
    cudaStream_t stream = lane.stream != nullptr ? lane.stream.get() : device_.stream();
    if (bias != nullptr)
      QH_RETURN_IF_ERROR(Set(p.product.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias));
    return QH_CUBLAS_STATUS(cublasLtMatmul(
        handle_.get(), p.product.get(), &alpha, first, p.first.get(), second, p.second.get(), &beta,
        result, p.result.get(), result, p.result.get(), &p.algorithm, lane.workspace.data(),
        size_t{kProductWorkspaceBytes}, stream));
  }

  absl::StatusOr<Plan> MakePlan(const Shape& shape) const {
    Plan plan;
    cublasLtMatmulDesc_t product = nullptr;
    const bool tf32 = shape.operand == CUDA_R_32F && operands_ == FloatOperands::kTF32;
    QH_RETURN_IF_ERROR(QH_CUBLAS_STATUS(cublasLtMatmulDescCreate(
        &product, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F)));
    plan.product.reset(product);
    const cublasOperation_t first_operation = shape.first_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t second_operation = shape.second_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    QH_RETURN_IF_ERROR(Set(product, CUBLASLT_MATMUL_DESC_TRANSA, first_operation));
    QH_RETURN_IF_ERROR(Set(product, CUBLASLT_MATMUL_DESC_TRANSB, second_operation));
    QH_RETURN_IF_ERROR(Set(product, CUBLASLT_MATMUL_DESC_EPILOGUE, shape.epilogue));
    if (shape.epilogue != CUBLASLT_EPILOGUE_DEFAULT)
      QH_RETURN_IF_ERROR(Set(product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, shape.result));
    const auto layout = [](cudaDataType_t type, int64_t rows, int64_t columns, int64_t stride,
                           bool transposed) {
      return MakeLayout(type, transposed ? columns : rows, transposed ? rows : columns, stride);
    };
    QH_ASSIGN_OR_RETURN(plan.first, layout(shape.operand, shape.rows, shape.depth,
                                           shape.first_stride, shape.first_transposed));
    QH_ASSIGN_OR_RETURN(plan.second, layout(shape.operand, shape.depth, shape.columns,
                                            shape.second_stride, shape.second_transposed));
    QH_ASSIGN_OR_RETURN(
        plan.result, layout(shape.result, shape.rows, shape.columns, shape.result_stride, false));
    QH_ASSIGN_OR_RETURN(plan.algorithm, ChooseAlgorithm(shape, plan));
    return plan;
  }

  absl::StatusOr<cublasLtMatmulAlgo_t> ChooseAlgorithm(const Shape& shape, const Plan& plan) const {
    cublasLtMatmulPreference_t made = nullptr;
    QH_RETURN_IF_ERROR(QH_CUBLAS_STATUS(cublasLtMatmulPreferenceCreate(&made)));
    const OwnedPreference preference(made);
    QH_RETURN_IF_ERROR(
        Set(made, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, size_t{kProductWorkspaceBytes}));
    // Sums of parts are made in the workspace or on the chip, never in the result with atomics.
    constexpr uint32_t kReductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    QH_RETURN_IF_ERROR(Set(made, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, kReductions));
    QH_RETURN_IF_ERROR(
        Set(made, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, shape.first_alignment));
    QH_RETURN_IF_ERROR(
        Set(made, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, shape.second_alignment));
    QH_RETURN_IF_ERROR(
        Set(made, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, shape.result_alignment));
    QH_RETURN_IF_ERROR(
        Set(made, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, shape.result_alignment));
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const cublasStatus_t chosen = cublasLtMatmulAlgoGetHeuristic(
        handle_.get(), plan.product.get(), plan.first.get(), plan.second.get(), plan.result.get(),
        plan.result.get(), made, 1, &best, &found);
    if (chosen != CUBLAS_STATUS_NOT_SUPPORTED) QH_RETURN_IF_ERROR(QH_CUBLAS_STATUS(chosen));
    if (found == 0)
      return absl::UnimplementedError(absl::StrCat(
          "cuBLASLt has no algorithm for a product of ", shape.columns, " x ", shape.depth, " by ",
          shape.depth, " x ", shape.rows, "; set model.backend=CPU"));
    return best.algo;
  }

  Device& device_;
  const FloatOperands operands_;
  const OwnedHandle handle_;
  std::vector<Lane> lanes_;
  const OwnedEvent begun_;  // what products made together depend on
  absl::flat_hash_map<Shape, Plan> plans_;
  bool together_ = false;
  size_t next_lane_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Products>> MakeProducts(Device& device, FloatOperands operands) {
  cublasLtHandle_t handle = nullptr;
  QH_RETURN_IF_ERROR(QH_CUBLAS_STATUS(cublasLtCreate(&handle)));
  OwnedHandle owned(handle);
  QH_ASSIGN_OR_RETURN(std::vector<Lane> lanes, MakeLanes(device));
  QH_ASSIGN_OR_RETURN(OwnedEvent begun, MakeEvent());
  return std::make_unique<CublasProducts>(device, operands, std::move(owned), std::move(lanes),
                                          std::move(begun));
}

}  // namespace quadhop::cuda
