// Arcs out of the arrays or the lines of a file, in the shapes that they come in.
//
// Reads arrays block by block and checks every element. Errors are kInvalidArgument, naming the
// array, the element, what it is and what is allowed, and those of ArraySource and ImportTarget.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/array_source.h"
#include "partition/import/formats/node_ids.h"
#include "partition/import/target/import_target.h"
#include "partition/import/text/input_text.h"
#include "partition/linear_algebra/sparse_rows.h"

namespace quadhop {

// A note on a graph whose arcs have weights.
inline constexpr char kWeightsAreNotUsed[] = "the arcs have weights: not used";

// Adds arcs after a check that their ids are in [0, N); `place` names end 0 or 1 of arcs[i].
absl::Status AddCheckedArcs(absl::Span<const Arc> arcs, ImportTarget& target,
                            const std::function<std::string(int64_t i, int end)>& place);

// The nodes are the ids in their order; ids with gaps are kept as names. `place` is that of all
// ids.
absl::Status SetNodes(const NodeIds& ids, const std::string& place, ImportTarget& target);

// [2, E] or [E, 2], in either order; if both are 2, rows are (sources, targets). Ends are node
// numbers, or ids of `ids` if given.
absl::Status ImportArcs(const ArrayOpener& open, ImportTarget& target,
                        const NodeIds* ids = nullptr);
// [E] each.
absl::Status ImportArcs(ArraySource sources, ArraySource targets, ImportTarget& target);
// Compressed rows, or columns: indptr [N + 1], neighbours [E].
enum class Compressed { kRows, kColumns };
absl::Status ImportAdjacency(ArraySource indptr, ArraySource neighbors, ImportTarget& target,
                             Compressed by = Compressed::kRows);
// An N x N matrix: every entry is an arc, whatever its value.
absl::Status ImportAdjacency(const OwnedSparseMatrix& matrix, const std::string& place,
                             ImportTarget& target);

// Arcs out of the lines of a text file, which is read on all threads: take(line, number, arcs)
// appends those of a line, add(arcs, chunk) hands on those of a chunk. The first error in file
// order is returned.
template <typename Take, typename Add>
absl::Status ImportArcLines(const std::string& path, ImportTarget& target, ThreadPool& pool,
                            const Take& take, const Add& add) {
  return ForEachChunkOf(path, target, pool, [&](const TextChunk& chunk) -> absl::Status {
    std::vector<Arc> arcs;
    QH_RETURN_IF_ERROR(ForEachLine(
        chunk, [&](absl::string_view line, int64_t number) { return take(line, number, &arcs); }));
    return add(arcs, chunk);
  });
}

}  // namespace quadhop
