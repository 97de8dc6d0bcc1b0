// The transpose of a sparse matrix, by one counting pass.
#pragma once

#include <cstdint>
#include <vector>

#include "partition/linear_algebra/sparse_matrix.h"

namespace quadhop {

// Owns what a SparseMatrix borrows.
struct OwnedSparseMatrix {
  int64_t num_rows = 0;
  int64_t num_cols = 0;
  std::vector<int64_t> indptr;    // [num_rows + 1]
  std::vector<uint32_t> indices;  // [nnz]
  std::vector<float> values;      // [nnz], or empty: ones

  SparseMatrix view() const { return {num_rows, num_cols, indptr, indices, values}; }
};

// Columns ascending within a row, as in the source. num_rows of `a` must fit 32 bits.
OwnedSparseMatrix Transpose(const SparseMatrix& a);

}  // namespace quadhop
