// Y = D_r (A + [I]) D_c X for a sparse A and dense X, over blocks of rows on all threads.
//
// Sums are in f32, a row's own term first and then its entries in order; rows of more than 256
// entries are summed in pieces of as many, which are added in double. Results are equal in every
// digit for any number of threads.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "partition/linear_algebra/sparse_matrix.h"

namespace quadhop {

// What surrounds A. The owner of the spans must outlive it.
struct SparseScaling {
  absl::Span<const float> row_scale;     // D_r [rows], or empty: ones
  absl::Span<const float> column_scale;  // D_c [columns], or empty: ones
  bool add_identity = false;             // A + I; A must be square
};

// y = D_r (A + [I]) D_c x, y not overlapping x. QH_CHECKs the dims.
void Multiply(const SparseMatrix& a, const SparseScaling& scaling,
              TensorView<const float> x,  // [columns, L]
              TensorView<float> y,        // [rows, L]
              ThreadPool& pool);
void Multiply(const Topology& a, const SparseScaling& scaling, TensorView<const float> x,
              TensorView<float> y, ThreadPool& pool);

// Â = D_col^-1/2 (A + I) D_row^-1/2 of DESIGN.md section 4: element (i, j) of A + I is scaled by
// (column sum of i)^-1/2 (row sum of j)^-1/2. On a symmetric A this is the usual symmetric form; on
// a directed one the two differ. Borrows the topology. Thread-safe after construction.
class NormalizedAdjacency {
 public:
  static constexpr int64_t kBytesANode = 2 * sizeof(float);  // of memory

  NormalizedAdjacency(const Topology& topology, ThreadPool& pool);

  int64_t num_nodes() const { return topology_.num_nodes(); }
  const Topology& topology() const { return topology_; }
  absl::Span<const float> column_sum_scale() const { return column_sum_scale_; }
  absl::Span<const float> row_sum_scale() const { return row_sum_scale_; }

  // y = Â x, not overlapping.
  void Multiply(TensorView<const float> x,  // [N, L]
                TensorView<float> y,        // [N, L]
                ThreadPool& pool) const;
  // The same y, in every digit, about twice as fast: x is scaled by row sums first, in place, and
  // then a row's scale need not be looked up for each arc to it.
  void ScaleAndMultiply(TensorView<float> x,  // [N, L]
                        TensorView<float> y,  // [N, L]
                        ThreadPool& pool) const;

 private:
  Topology topology_;
  std::vector<float> column_sum_scale_;  // [N]: (1 + in-degree)^-1/2
  std::vector<float> row_sum_scale_;     // [N]: (1 + out-degree)^-1/2
};

}  // namespace quadhop
