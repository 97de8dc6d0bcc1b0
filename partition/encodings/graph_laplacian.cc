#include "partition/encodings/graph_laplacian.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/prefetch.h"
#include "core/store/topology.h"
#include "core/threads/for_each_row.h"
#include "partition/graph/components.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 256;  // small, since rows differ in degree
constexpr int64_t kComponentsPerBlock = 64;
constexpr size_t kRowsAhead = 16;

}  // namespace

GraphLaplacian::GraphLaplacian(const Topology& topology, ThreadPool& pool)
    : topology_(topology),
      pool_(pool),
      degrees_(static_cast<size_t>(num_nodes())),
      nodes_(degrees_.size()) {
  Components components(num_nodes());
  VisitIndices(topology, [&](auto indices) {
    ForEachRow(num_nodes(), kRowsPerBlock, pool, [&](int64_t v, int) {
      degrees_[static_cast<size_t>(v)] =
          static_cast<double>(std::max<int64_t>(1, topology.degree(v)));
      for (const auto u : NeighborsOf(topology, indices, v))
        components.Join(v, static_cast<int64_t>(u));
    });
  });
  // A component is named after its smallest node: counts, then places.
  std::vector<int64_t> place(nodes_.size() + 1);
  for (int64_t v = 0; v < num_nodes(); ++v) ++place[static_cast<size_t>(components.Find(v)) + 1];
  component_begin_.push_back(0);
  for (size_t v = 1; v < place.size(); ++v) {
    if (place[v] > 0) component_begin_.push_back(component_begin_.back() + place[v]);
    place[v] += place[v - 1];
  }
  for (int64_t v = 0; v < num_nodes(); ++v)
    nodes_[static_cast<size_t>(place[static_cast<size_t>(components.Find(v))]++)] = v;
}

void GraphLaplacian::AddProduct(double a, double b, double c, TensorView<const double> x,
                                TensorView<double> y) {
  QH_CHECK(x.rank() == 2 && x.dim(0) == num_nodes() && y.HasDims({x.dim(0), x.dim(1)}));
  const int64_t width = x.dim(1);
  Tensor<double> sums({pool_.num_threads(), width});
  VisitIndices(topology_, [&](auto indices) {
    ForEachRow(num_nodes(), kRowsPerBlock, pool_, [&](int64_t v, int worker) {
      const auto row = static_cast<size_t>(v);
      double* __restrict sum = sums.row(worker);
      std::fill_n(sum, width, 0.0);
      const auto end = static_cast<size_t>(topology_.indptr[row + 1]);
      for (auto arc = static_cast<size_t>(topology_.indptr[row]); arc < end; ++arc) {
        if (arc + kRowsAhead < indices.size())
          Prefetch(x.data() + static_cast<int64_t>(indices[arc + kRowsAhead]) * width,
                   width * int64_t{sizeof(double)});
        const double* const other = x.data() + static_cast<int64_t>(indices[arc]) * width;
        for (int64_t i = 0; i < width; ++i) sum[i] += other[i];
      }
      const double scale = a / degrees_[row];
      const double* const from = x.data() + v * width;
      double* const to = y.data() + v * width;
      for (int64_t i = 0; i < width; ++i) to[i] = scale * sum[i] + b * from[i] + c * to[i];
    });
  });
}

void GraphLaplacian::LeaveOutKernel(TensorView<double> x) {
  const int64_t width = x.dim(1);
  Tensor<double> means({pool_.num_threads(), width});
  ForEachRow(num_components(), kComponentsPerBlock, pool_, [&](int64_t component, int worker) {
    const auto begin = static_cast<size_t>(component_begin_[static_cast<size_t>(component)]),
               end = static_cast<size_t>(component_begin_[static_cast<size_t>(component) + 1]);
    double* __restrict mean = means.row(worker);
    std::fill_n(mean, width, 0.0);
    double degrees = 0;
    for (size_t i = begin; i < end; ++i) {
      const double degree = degrees_[static_cast<size_t>(nodes_[i])];
      const double* const row = x.data() + nodes_[i] * width;
      degrees += degree;
      for (int64_t j = 0; j < width; ++j) mean[j] += degree * row[j];
    }
    for (int64_t j = 0; j < width; ++j) mean[j] /= degrees;
    for (size_t i = begin; i < end; ++i)
      for (int64_t j = 0; j < width; ++j) x.data()[nodes_[i] * width + j] -= mean[j];
  });
}

}  // namespace quadhop
