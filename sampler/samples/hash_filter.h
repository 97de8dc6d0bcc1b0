// The inner loop of EXACT sampling: hash every entry of many rows of neighbours, keep the few of
// small hash.
#pragma once

#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>

#include "sampler/samples/entry_hash.h"

namespace quadhop {

// The out-neighbours of one node. Borrowed. Index: uint32_t or int64_t (values >= 0).
template <typename Index>
struct NeighbourRow {
  const Index* begin = nullptr;
  int64_t size = 0;
};

// A reading position in a list of rows.
struct RowCursor {
  size_t row = 0;
  int64_t offset = 0;  // in the row
};

// The least size of `out` below.
inline constexpr size_t kFilterBlock = 128;

// Reads `rows` from `cursor` on and writes those ids whose EntryHashUpper is at most `upper_limit`
// to `out`, until the rows are read (then cursor.row is rows.size()) or fewer than kFilterBlock
// places are free. An id may be written more often than it occurs. Returns how many were written.
// Vectorised for the instruction set found at run time, with equal results. Thread-safe.
size_t FilterRows(absl::Span<const NeighbourRow<uint32_t>> rows, EntryKey key, uint32_t upper_limit,
                  RowCursor& cursor, absl::Span<uint32_t> out);
size_t FilterRows(absl::Span<const NeighbourRow<int64_t>> rows, EntryKey key, uint32_t upper_limit,
                  RowCursor& cursor, absl::Span<int64_t> out);

}  // namespace quadhop
