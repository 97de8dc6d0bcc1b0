// Arcs out of a sparse matrix in an .npz, as scipy.sparse.save_npz and its like write them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "partition/import/arrays/npz_file.h"
#include "partition/import/target/import_target.h"

namespace quadhop {

// Sets the nodes and adds the arcs: an entry is an arc, whatever its value. PREFIX_format ("format"
// if the prefix is empty) says how the matrix is stored; csr if it is absent:
//
//   csr, csc   PREFIX_{indptr,indices,shape}, by rows or by columns     coo PREFIX_{row,col,shape}
//
// kInvalidArgument for every other format, naming it, and for a matrix that is not square.
absl::Status ImportNpzAdjacency(const NpzFile& npz, const std::string& prefix,
                                ImportTarget& target);

// What ImportNpzAdjacency will set and add, by the sizes of the arrays. Errors are the same.
struct AdjacencySize {
  int64_t nodes = 0;
  int64_t arcs = 0;
};
absl::StatusOr<AdjacencySize> MeasureNpzAdjacency(const NpzFile& npz, const std::string& prefix);

}  // namespace quadhop
