#include "partition/encodings/laplacian_eigenvectors.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/counted.h"
#include "core/rng.h"
#include "core/status.h"
#include "partition/for_each_row.h"
#include "partition/linear_algebra/sparse_product.h"
#include "partition/linear_algebra/standardize.h"
#include "partition/linear_algebra/symmetric_eigen.h"
#include "partition/linear_algebra/tall_skinny.h"

namespace quadhop {
namespace {

constexpr int64_t kOversampling = 8;
constexpr int kMaxIterations = 60;
constexpr int kMaxDegree = 12;
constexpr double kEnough = 1e-6;      // of an eigenvalue's change in an iteration
constexpr double kLargestGain = 1e3;  // of a filter, so that columns stay apart in floats
constexpr int64_t kRowsPerBlock = 4096;
constexpr uint64_t kLaplacianStream = 3;  // `minor` of the stream keys

// S = D^-1/2 A D^-1/2, whose eigenvalues are 1 less the Laplacian's, on the vectors that are
// orthogonal to its first.
class Subspace {
 public:
  Subspace(const EncoderInput& input, int64_t width)
      : input_(input),
        scale_(static_cast<size_t>(input.topology.num_nodes())),
        first_(scale_.size()),
        q_({input.topology.num_nodes(), width}),
        product_({input.topology.num_nodes(), width}),
        next_({input.topology.num_nodes(), width}),
        values_(static_cast<size_t>(width)) {
    double degrees = 0;
    for (int64_t v = 0; v < num_nodes(); ++v)
      degrees += static_cast<double>(input.topology.degree(v));
    for (size_t v = 0; v < scale_.size(); ++v) {
      const auto degree = static_cast<double>(input.topology.degree(static_cast<int64_t>(v)));
      scale_[v] = degree > 0 ? static_cast<float>(1 / std::sqrt(degree)) : 0;
      first_[v] = static_cast<float>(std::sqrt(degree / std::max(1.0, degrees)));
    }
  }

  // Random vectors, orthonormal, and their Ritz values.
  void Begin() {
    const int64_t width = q_.dim(1);
    ForEachRow(num_nodes(), kRowsPerBlock, input_.pool, [&](int64_t v, int) {
      RandomStream random(input_.seed, RandomPurpose::kEncoding,
                          static_cast<uint64_t>(input_.keys[static_cast<size_t>(v)]),
                          kLaplacianStream);
      for (int64_t i = 0; i < width; ++i) q_.row(v)[i] = static_cast<float>(random.Normal());
    });
    RayleighRitz();
  }

  // Turns the space towards eigenvalues above the smallest Ritz value.
  void Iterate() {
    Filter(std::clamp(values_.back(), -0.9, 0.999));
    RayleighRitz();
  }

  const std::vector<double>& values() const { return values_; }   // descending
  TensorView<const float> vectors() const { return q_.cview(); }  // [N, width], of the values

 private:
  int64_t num_nodes() const { return input_.topology.num_nodes(); }

  void MultiplyByS(TensorView<const float> x, TensorView<float> y) {
    Multiply(input_.topology, {scale_, scale_, false}, x, y, input_.pool);
  }

  // q = T(S) q, T the Chebyshev polynomial that is within [-1, 1] on eigenvalues in [-1, bound], of
  // a degree that multiplies those at 1 by kLargestGain at most.
  void Filter(double bound) {
    const double half = (bound + 1) / 2, middle = (bound - 1) / 2;
    const double gain = std::acosh((1 - middle) / half);
    const int degree = std::clamp(static_cast<int>(std::acosh(kLargestGain) / gain), 2, kMaxDegree);
    const auto a = static_cast<float>(1 / half), b = static_cast<float>(middle / half);
    const int64_t width = q_.dim(1);
    MultiplyByS(q_.cview(), product_.view());
    ForEachRow(num_nodes(), kRowsPerBlock, input_.pool, [&](int64_t v, int) {
      for (int64_t i = 0; i < width; ++i)
        product_.row(v)[i] = a * product_.row(v)[i] - b * q_.row(v)[i];
    });
    for (int k = 2; k <= degree; ++k) {  // q: T_(k-2), product: T_(k-1)
      MultiplyByS(product_.cview(), next_.view());
      ForEachRow(num_nodes(), kRowsPerBlock, input_.pool, [&](int64_t v, int) {
        for (int64_t i = 0; i < width; ++i)
          q_.row(v)[i] = 2 * (a * next_.row(v)[i] - b * product_.row(v)[i]) - q_.row(v)[i];
      });
      std::swap(q_, product_);
    }
    std::swap(q_, product_);
  }

  // q -= first first^T q.
  void LeaveOutFirst() {
    const int64_t width = q_.dim(1), blocks = NumBlocks(num_nodes(), kRowsPerBlock);
    Tensor<double> parts({blocks, width});
    input_.pool.ParallelFor(blocks, [&](int64_t block, int) {
      const BlockRange range = Block(block, num_nodes(), kRowsPerBlock);
      for (int64_t v = range.begin; v < range.end; ++v)
        for (int64_t i = 0; i < width; ++i)
          parts.row(block)[i] += double{first_[static_cast<size_t>(v)]} * double{q_.row(v)[i]};
    });
    for (int64_t block = 1; block < blocks; ++block)
      for (int64_t i = 0; i < width; ++i) parts[i] += parts.row(block)[i];
    ForEachRow(num_nodes(), kRowsPerBlock, input_.pool, [&](int64_t v, int) {
      for (int64_t i = 0; i < width; ++i)
        q_.row(v)[i] -= first_[static_cast<size_t>(v)] * static_cast<float>(parts[i]);
    });
  }

  // q becomes orthonormal Ritz vectors of S, values_ their values.
  void RayleighRitz() {
    const int64_t width = q_.dim(1);
    LeaveOutFirst();
    Orthonormalize(q_.view(), 2, input_.pool);
    MultiplyByS(q_.cview(), product_.view());
    // q^T S q from Gram matrices: (|q + S q|^2 - |q - S q|^2) / 4, which is symmetric to the digit.
    Tensor<double> projected = GramOfSum(1.0f);
    const Tensor<double> minus = GramOfSum(-1.0f);
    for (int64_t i = 0; i < projected.size(); ++i) projected[i] = (projected[i] - minus[i]) / 4;
    Tensor<double> vectors({width, width});
    SymmetricEigen(projected.view(), absl::MakeSpan(values_), vectors.view());
    Tensor<float> turn({width, width});
    for (int64_t i = 0; i < width; ++i)
      for (int64_t j = 0; j < width; ++j) turn.row(i)[j] = static_cast<float>(vectors.row(j)[i]);
    MultiplySmall(q_.cview(), turn.cview(), q_.view(), input_.pool);
  }

  // Of q + sign * S q.
  Tensor<double> GramOfSum(float sign) {
    ForEachRow(num_nodes(), kRowsPerBlock, input_.pool, [&](int64_t v, int) {
      for (int64_t i = 0; i < q_.dim(1); ++i)
        next_.row(v)[i] = q_.row(v)[i] + sign * product_.row(v)[i];
    });
    return Gram(next_.cview(), input_.pool);
  }

  const EncoderInput& input_;
  std::vector<float> scale_;          // [N]: degree^-1/2, or 0
  std::vector<float> first_;          // [N]: the first eigenvector, of length 1
  Tensor<float> q_, product_, next_;  // [N, width]
  std::vector<double> values_;        // [width]
};

absl::Status Check(const EncoderInput& input, int64_t dim) {
  const int64_t num_nodes = input.topology.num_nodes(), width = dim + kOversampling;
  if (input.directed)
    return absl::InvalidArgumentError(
        "encode by laplacian is for undirected graphs: import without --directed, or use another "
        "method");
  if (num_nodes < width)
    return absl::InvalidArgumentError(
        absl::StrCat("encode by laplacian to ", Counted(dim, "column"), " needs ", width,
                     " nodes, there are ", num_nodes,
                     num_nodes > kOversampling
                         ? absl::StrCat(": lower --dim to ", num_nodes - kOversampling, " or less")
                         : ": use another method"));
  return absl::OkStatus();
}

}  // namespace

StepNeeds LaplacianEigenvectorsNeeds(int64_t num_nodes, int64_t dim) {
  return StepNeeds::AllInMemory(4 * num_nodes * (dim + kOversampling) * int64_t{sizeof(float)});
}

absl::Status LaplacianEigenvectors(const EncoderInput& input, TensorView<float> out) {
  const int64_t dim = out.dim(1);
  QH_RETURN_IF_ERROR(Check(input, dim));
  Subspace space(input, dim + kOversampling);
  space.Begin();
  for (int i = 0; i < kMaxIterations; ++i) {
    const std::vector<double> before = space.values();
    space.Iterate();
    double change = 0;
    for (size_t j = 0; j < static_cast<size_t>(dim); ++j)
      change = std::max(change, std::abs(space.values()[j] - before[j]));
    if (change < kEnough) break;
  }
  CopyColumns(space.vectors(), 0, dim, out, 0);
  FixSigns(out, input.pool);
  StandardizeColumns(out, input.pool);
  return absl::OkStatus();
}

}  // namespace quadhop
