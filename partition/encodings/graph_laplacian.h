// The normalised Laplacian of an undirected graph, as an operator.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// L = I - D^-1/2 A D^-1/2 by way of the random walk P = D^-1 A: if P x = (1 - l) x, then D^1/2 x is
// an eigenvector of L, of eigenvalue l in [0, 2]. The inner product that goes with it is x^T D y.
// Nodes without arcs have degree 1 in D, and 0 in P; LeaveOutKernel makes them 0 in x. Borrows
// topology and pool. Not thread-safe. Results are equal in every digit for any number of threads.
class GraphLaplacian {
 public:
  static constexpr int64_t kBytesANode = int64_t{3} * 8;  // of memory

  GraphLaplacian(const Topology& topology, ThreadPool& pool);

  int64_t num_nodes() const { return topology_.num_nodes(); }
  // As many as there are eigenvectors of eigenvalue 0: each is D^1/2 1 on one of the components.
  int64_t num_components() const { return static_cast<int64_t>(component_begin_.size()) - 1; }
  absl::Span<const double> degrees() const { return degrees_; }  // [N]: D

  // y = a P x + b x + c y, y not overlapping x; finite even where c = 0.
  void AddProduct(double a, double b, double c, TensorView<const double> x,  // [N, L]
                  TensorView<double> y);                                     // [N, L]

  // Makes x orthogonal to the eigenvectors of eigenvalue 0.
  void LeaveOutKernel(TensorView<double> x);  // [N, L]

 private:
  Topology topology_;
  ThreadPool& pool_;
  std::vector<double> degrees_;
  std::vector<int64_t> nodes_;            // [N], component by component
  std::vector<int64_t> component_begin_;  // [components + 1]: where they begin in nodes_
};

}  // namespace quadhop
