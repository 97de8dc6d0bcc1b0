// Loops over the elements of an ArraySource, and where they belong in a table.
#pragma once

#include <absl/types/span.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/array_source.h"

namespace quadhop {

inline constexpr int64_t kArrayBlock = int64_t{1} << 17;  // elements read at a time

// Calls visit(values, first) for all elements of the array, block by block in file order.
template <typename T, typename Visit>
absl::Status ForEachBlock(ArraySource& source, const Visit& visit) {
  std::vector<T> block;
  for (int64_t first = 0; first < source.size(); first += kArrayBlock) {
    block.resize(static_cast<size_t>(std::min(kArrayBlock, source.size() - first)));
    QH_RETURN_IF_ERROR(source.Read(absl::MakeSpan(block)));
    QH_RETURN_IF_ERROR(visit(absl::MakeConstSpan(block), first));
  }
  return absl::OkStatus();
}

// A table of rows and columns, and where the element that stands at `i` in its file belongs.
struct TableShape {
  int64_t rows;
  int64_t columns;
  bool by_column;
  int64_t Row(int64_t i) const { return by_column ? i % rows : i / columns; }
  int64_t Column(int64_t i) const { return by_column ? i / rows : i % columns; }
};

// An array whose dims are not those `allowed`.
inline absl::Status WrongDims(const ArraySource& source, absl::string_view allowed) {
  return ArrayError(source.place(), source.DimsText(), allowed);
}

}  // namespace quadhop
