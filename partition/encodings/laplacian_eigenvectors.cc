#include "partition/encodings/laplacian_eigenvectors.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/base/counted.h"
#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/threads/for_each_row.h"
#include "partition/encodings/graph_laplacian.h"
#include "partition/linear_algebra/random_rows.h"
#include "partition/linear_algebra/symmetric_eigen.h"
#include "partition/linear_algebra/tall_skinny.h"

namespace quadhop {
namespace {

constexpr int64_t kOversampling = 8;
constexpr double kEnough = 1e-4;      // residual of an eigenvector, in units of its eigenvalue
constexpr double kTiny = 1e-8;        // eigenvalues below count as this much, because of rounding
constexpr double kLargestGain = 1e4;  // of a filter, so that columns stay apart
constexpr double kLargestBound = 1.9;
constexpr double kMultiplyAdds = 1e11;    // that products with the graph may take in all ...
constexpr int64_t kLeastProducts = 1000;  // ... or as many as this
constexpr int64_t kRowsPerBlock = 4096;

// Ritz vectors of the Laplacian, in the inner product of its degrees.
class Subspace {
 public:
  // A subspace of random vectors.
  Subspace(const EncoderInput& input, GraphLaplacian& laplacian, int64_t width)
      : pool_(input.pool),
        laplacian_(laplacian),
        q_({laplacian.num_nodes(), width}),
        product_({laplacian.num_nodes(), width}),
        eigenvalues_(static_cast<size_t>(width)),
        residuals_(static_cast<size_t>(width)) {
    ForEachRow(q_.dim(0), kRowsPerBlock, pool_, [&](int64_t v, int) {
      RandomStream random =
          StreamOfRow(input.seed, input.keys[static_cast<size_t>(v)], RowDraws::kLaplacian);
      for (int64_t i = 0; i < width; ++i) q_.row(v)[i] = random.Normal();
    });
    RayleighRitz();
  }

  // Turns the space towards eigenvalues below its own: an eigenvalue is within the residual of
  // each. Takes largest_degree + 1 products with the graph or fewer, and returns how many.
  int64_t Iterate(int64_t largest_degree) {
    const double bound = std::clamp(eigenvalues_.back() + residuals_.back(), 0.0, kLargestBound);
    const int64_t degree = Filter(bound, largest_degree);
    RayleighRitz();
    return degree + 1;
  }

  // |L v - l v| / l of column j, l its Rayleigh quotient.
  double residual(int64_t j) const {
    const auto i = static_cast<size_t>(j);
    return residuals_[i] / std::max(kTiny, eigenvalues_[i]);
  }

  // out = D^1/2 times the first columns.
  void CopyEigenvectors(TensorView<float> out) const {
    ForEachRow(out.dim(0), kRowsPerBlock, pool_, [&](int64_t v, int) {
      const double scale = std::sqrt(laplacian_.degrees()[static_cast<size_t>(v)]);
      std::transform(q_.row(v), q_.row(v) + out.dim(1), out.row(v),
                     [scale](double x) { return static_cast<float>(scale * x); });
    });
  }

 private:
  // q = T(L) q, T the Chebyshev polynomial that is within [-1, 1] on eigenvalues in [bound, 2], of
  // a degree, 2 or more, that multiplies those at 0 by kLargestGain at most. Returns the degree.
  int64_t Filter(double bound, int64_t largest_degree) {
    const double scale = 2 / (2 - bound), shift = scale - 1;  // T's argument is scale P + shift
    const double gain = std::acosh(scale + shift);            // of a degree, at 0
    const auto degree = static_cast<int64_t>(
        std::clamp(std::acosh(kLargestGain) / gain, 2.0, static_cast<double>(largest_degree)));
    laplacian_.AddProduct(scale, shift, 0, q_.cview(), product_.view());
    for (int64_t k = 2; k <= degree; ++k) {  // q: T_(k-2), product: T_(k-1)
      laplacian_.AddProduct(2 * scale, 2 * shift, -1, product_.cview(), q_.view());
      std::swap(q_, product_);
    }
    std::swap(q_, product_);
    return degree;
  }

  // q becomes orthonormal Ritz vectors, of ascending eigenvalues.
  void RayleighRitz() {
    const int64_t width = q_.dim(1);
    laplacian_.LeaveOutKernel(q_.view());
    Orthonormalize(q_.view(), laplacian_.degrees(), pool_);
    // For I + P, so that a column of zeros would come last.
    laplacian_.AddProduct(1, 1, 0, q_.cview(), product_.view());
    Tensor<double> projected = Gram(q_.cview(), product_.cview(), laplacian_.degrees(), pool_);
    Tensor<double> vectors({width, width}), turn({width, width});
    std::vector<double> values(static_cast<size_t>(width));
    SymmetricEigen(projected.view(), absl::MakeSpan(values), vectors.view());
    for (int64_t i = 0; i < width; ++i)
      for (int64_t j = 0; j < width; ++j) turn.row(i)[j] = vectors.row(j)[i];
    MultiplySmall(q_.cview(), turn.cview(), q_.view(), pool_);
    MultiplySmall(product_.cview(), turn.cview(), product_.view(), pool_);
    Measure(values);
  }

  // Eigenvalues and residuals of q, where product = (I + P) q.
  void Measure(absl::Span<const double> values) {
    const int64_t blocks = NumBlocks(q_.dim(0), kRowsPerBlock);
    Tensor<double> squares({blocks, q_.dim(1)});
    ForEachRow(q_.dim(0), kRowsPerBlock, pool_, [&](int64_t v, int) {
      double* const sums = squares.row(v / kRowsPerBlock);
      const double degree = laplacian_.degrees()[static_cast<size_t>(v)];
      const double *const vectors = q_.row(v), *const products = product_.row(v);
      for (size_t i = 0; i < values.size(); ++i) {
        const double r = products[i] - values[i] * vectors[i];
        sums[i] += degree * r * r;
      }
    });
    for (size_t i = 0; i < values.size(); ++i) {
      double square = 0;
      for (int64_t block = 0; block < blocks; ++block) square += squares.row(block)[i];
      residuals_[i] = std::sqrt(square);
      eigenvalues_[i] = 2 - values[i];
    }
  }

  ThreadPool& pool_;
  GraphLaplacian& laplacian_;
  Tensor<double> q_, product_;                   // [N, width]
  std::vector<double> eigenvalues_, residuals_;  // [width]
};

// How many of the first columns have a residual beyond kEnough, and the largest residual.
struct Quality {
  int64_t bad = 0;
  double worst = 0;
};

Quality QualityOf(const Subspace& space, int64_t dim) {
  Quality quality;
  for (int64_t j = 0; j < dim; ++j) {
    quality.bad += !(space.residual(j) <= kEnough);  // also if it is NaN
    quality.worst = std::max(quality.worst, space.residual(j));
  }
  return quality;
}

absl::Status Check(const GraphLaplacian& laplacian, int64_t dim) {
  const int64_t width = dim + kOversampling;
  const int64_t num_nodes = laplacian.num_nodes() - laplacian.num_components() + 1;
  if (num_nodes >= width) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "encode by laplacian to ", Counted(dim, "column"), " needs ", width, " nodes, there are ",
      num_nodes, laplacian.num_components() > 1 ? " beside one of each further component" : "",
      num_nodes > kOversampling
          ? absl::StrCat(": lower --dim to ", num_nodes - kOversampling, " or less")
          : ": use another method"));
}

}  // namespace

StepNeeds LaplacianEigenvectorsNeeds(int64_t num_nodes, int64_t dim) {
  return StepNeeds::AllInMemory(num_nodes * (GraphLaplacian::kBytesANode +
                                             2 * (dim + kOversampling) * int64_t{sizeof(double)}));
}

absl::Status LaplacianEigenvectors(const EncoderInput& input, TensorView<float> out) {
  const auto adds_a_product = static_cast<double>(
      (input.topology.num_nodes() + input.topology.num_arcs()) * (out.dim(1) + kOversampling));
  return LaplacianEigenvectorsWithin(
      std::max(kLeastProducts, static_cast<int64_t>(kMultiplyAdds / adds_a_product)), input, out);
}

absl::Status LaplacianEigenvectorsWithin(int64_t most_products, const EncoderInput& input,
                                         TensorView<float> out) {
  const int64_t dim = out.dim(1);
  if (input.directed)
    return absl::InvalidArgumentError(
        "encode by laplacian is for undirected graphs: import without --directed, or use another "
        "method");
  GraphLaplacian laplacian(input.topology, input.pool);
  QH_RETURN_IF_ERROR(Check(laplacian, dim));
  const int64_t rank = laplacian.num_nodes() - laplacian.num_components();
  Subspace space(input, laplacian, std::min(dim + kOversampling, rank));
  Quality quality = QualityOf(space, dim);
  for (int64_t left = most_products; quality.bad > 0 && left > 2; quality = QualityOf(space, dim)) {
    Tell(input.on_progress, absl::StrCat("laplacian: product ", most_products - left + 1));
    left -= space.Iterate(left - 1);
  }
  if (quality.bad > 0 && input.note != nullptr)
    *input.note =
        absl::StrFormat("%d of %s are not eigenvectors: |L v - l v| is up to %.1g l, not %g l",
                        quality.bad, Counted(dim, "column"), quality.worst, kEnough);
  space.CopyEigenvectors(out);
  FixSigns(out, input.pool);
  return absl::OkStatus();
}

}  // namespace quadhop
