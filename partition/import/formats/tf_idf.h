// Texts as rows of weighted words.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "partition/linear_algebra/sparse_matrix.h"

namespace quadhop {

struct TfIdf {
  std::vector<std::string> words;  // [V], ascending
  std::vector<int64_t> indptr;     // [num texts + 1]
  std::vector<uint32_t> indices;   // [nnz], in [0, V), ascending within a row
  std::vector<float> values;       // [nnz]

  // Borrows this object.
  SparseMatrix matrix() const;
};

// Words are runs of two or more ASCII letters, in lower case; those in a single text only are left
// out, as they do not tell texts alike or apart. A word that stands c times in a text, and in d of
// the D texts, weighs (1 + log c) log(D / d); then rows are scaled to length 1 (Salton and Buckley,
// "Term-weighting approaches in automatic text retrieval", 1988).
TfIdf MakeTfIdf(absl::Span<const std::string> texts);

}  // namespace quadhop
