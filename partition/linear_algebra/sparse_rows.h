// Sparse matrices from files that other programs wrote, checked and put in order.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"
#include "partition/linear_algebra/sparse_transpose.h"

namespace quadhop {

// Compressed rows as they stood in a file, not yet checked.
struct CsrParts {
  int64_t num_rows = 0;
  int64_t num_cols = 0;
  std::vector<int64_t> indptr;   // [num_rows + 1]
  std::vector<int64_t> indices;  // [nnz]
  std::vector<float> values;     // [nnz], or empty: ones
};

// Columns ascending, repeated entries summed, zeros dropped. kInvalidArgument, naming `place` and
// the entry, if the parts do not fit each other or a value is not finite.
absl::StatusOr<OwnedSparseMatrix> MakeSparseRows(CsrParts parts, const std::string& place);

// out = a R / sqrt(width), R [columns, width] of +1 and -1 keyed by (seed, column): lengths and
// angles of rows are kept on average (Achlioptas, "Database-friendly random projections", 2003).
// The same for any number of threads, and for dense rows the same as for their elements that are
// not zero.
void ProjectRows(const SparseMatrix& a, uint64_t seed, ThreadPool& pool,
                 TensorView<float> out);  // [rows, width]
void ProjectRows(TensorView<const float> a, uint64_t seed, ThreadPool& pool,
                 TensorView<float> out);  // [rows, width]

}  // namespace quadhop
