// Arcs out of the arrays of a file, in the shapes that they come in.
//
// Reads block by block and checks every element. Errors are kInvalidArgument, naming the array, the
// element, what it is and what is allowed, and those of ArraySource and ImportTarget.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <string>

#include "partition/formats/array_source.h"
#include "partition/import_target.h"
#include "partition/sparse_rows.h"

namespace quadhop {

// Adds arcs after a check that their ids are in [0, N); `place` names end 0 or 1 of arcs[i].
absl::Status AddCheckedArcs(absl::Span<const Arc> arcs, ImportTarget& target,
                            const std::function<std::string(int64_t i, int end)>& place);

// [2, E] or [E, 2], in either order; of two by two, rows are (sources, targets).
absl::Status ImportArcs(const ArrayOpener& open, ImportTarget& target);
// [E] each.
absl::Status ImportArcs(ArraySource sources, ArraySource targets, ImportTarget& target);
// Compressed rows: indptr [N + 1], neighbours [E].
absl::Status ImportAdjacency(ArraySource indptr, ArraySource neighbors, ImportTarget& target);
// An N x N matrix, an arc an entry, whatever its value.
absl::Status ImportAdjacency(const OwnedSparseMatrix& matrix, const std::string& place,
                             ImportTarget& target);

}  // namespace quadhop
