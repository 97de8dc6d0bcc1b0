// A borrowed sparse matrix in compressed rows: what importers build (term counts, adjacency) and
// the SVD reads.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

namespace quadhop {

// Rows of (column, value), columns ascending and distinct within a row. The owner of the spans must
// outlive it. Reading is thread-safe.
struct SparseMatrix {
  int64_t num_rows = 0;
  int64_t num_cols = 0;
  absl::Span<const int64_t> indptr;    // [num_rows + 1]
  absl::Span<const uint32_t> indices;  // [nnz], values in [0, num_cols)
  absl::Span<const float> values;      // [nnz], or empty: every entry is 1

  int64_t num_entries() const { return indptr.empty() ? 0 : indptr.back(); }
  float value(int64_t entry) const {
    return values.empty() ? 1.0f : values[static_cast<size_t>(entry)];
  }
};

}  // namespace quadhop
