#include "partition/linear_algebra/sparse_transpose.h"

#include <limits>

#include "core/base/check.h"

namespace quadhop {

OwnedSparseMatrix Transpose(const SparseMatrix& a) {
  QH_CHECK_LE(a.num_rows, int64_t{std::numeric_limits<uint32_t>::max()} + 1);
  OwnedSparseMatrix t{a.num_cols, a.num_rows, {}, {}, {}};
  t.indptr.resize(static_cast<size_t>(t.num_rows) + 1);
  t.indices.resize(a.indices.size());
  t.values.resize(a.values.size());
  for (const uint32_t column : a.indices) ++t.indptr[size_t{column} + 1];
  for (size_t row = 1; row < t.indptr.size(); ++row) t.indptr[row] += t.indptr[row - 1];
  std::vector<int64_t> next(t.indptr.begin(), t.indptr.end() - 1);
  for (int64_t row = 0; row < a.num_rows; ++row) {
    const auto end = static_cast<size_t>(a.indptr[static_cast<size_t>(row) + 1]);
    for (auto entry = static_cast<size_t>(a.indptr[static_cast<size_t>(row)]); entry < end;
         ++entry) {
      const auto slot = static_cast<size_t>(next[a.indices[entry]]++);
      t.indices[slot] = static_cast<uint32_t>(row);
      if (!a.values.empty()) t.values[slot] = a.values[entry];
    }
  }
  return t;
}

}  // namespace quadhop
