// MATLAB's .mat files, versions 4 to 7.3, by libmatio.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "partition/import/arrays/array_source.h"
#include "partition/import/arrays/named_arrays.h"
#include "partition/linear_algebra/sparse_rows.h"

namespace quadhop {

// Not thread-safe.
class MatFile {
 public:
  // kNotFound; kInvalidArgument if it is no .mat file, or not whole (mat_layout.h). Variables of
  // classes that are not read appear among the names, and nowhere else.
  static absl::StatusOr<MatFile> Open(const std::string& path);
  ~MatFile();
  MatFile(MatFile&&) noexcept;

  const std::string& path() const;
  const std::vector<std::string>& names() const;
  bool Has(absl::string_view name) const;

  // A dense array of numbers, in column order. kNotFound; kInvalidArgument, naming its class, if it
  // is something else (sparse, complex, text, a struct), or if it cannot be read.
  absl::StatusOr<ArraySource> Array(const std::string& name) const;
  NamedArrays arrays() const;  // all variables; borrows this object
  // A matrix, sparse or dense, by rows. Also kInvalidArgument if it does not have this many rows.
  absl::StatusOr<OwnedSparseMatrix> Matrix(const std::string& name, int64_t num_rows) const;
  // The same for an adjacency, which has as many rows as columns. If it is sparse, its values are
  // replaced by ones, also where they are 0.
  absl::StatusOr<OwnedSparseMatrix> SquareMatrix(const std::string& name) const;
  absl::StatusOr<bool> IsSparse(const std::string& name) const;

  // The size of a variable, found without reading its data.
  struct Size {
    int64_t rows = 0;
    int64_t columns = 0;
    absl::optional<int64_t> room;  // for entries of a sparse matrix, if the file tells
  };
  absl::StatusOr<Size> SizeOf(const std::string& name) const;

 private:
  struct Handle;
  MatFile();
  std::string Place(const std::string& name) const;
  absl::StatusOr<OwnedSparseMatrix> ReadMatrix(const std::string& name, int64_t num_rows,
                                               bool with_values) const;
  std::unique_ptr<Handle> handle_;
};

}  // namespace quadhop
