#include "comm/sums/row_adder.h"

#include <algorithm>

namespace quadhop {
namespace {

// Columns are added up in blocks, so that a block stays in cache while all additions are made.
constexpr int64_t kBlockBytes = int64_t{16} << 10;

template <typename T>
void AddRows(T* rows, int64_t num_columns, absl::Span<const RowAddition> additions) {
  constexpr int64_t kBlock = kBlockBytes / static_cast<int64_t>(sizeof(T));
  for (int64_t begin = 0; begin < num_columns; begin += kBlock) {
    const int64_t count = std::min(kBlock, num_columns - begin);
    for (const RowAddition& addition : additions) {
      T* __restrict to = rows + addition.to * num_columns + begin;
      const T* __restrict from = rows + addition.from * num_columns + begin;
      for (int64_t c = 0; c < count; ++c) to[c] += from[c];
    }
  }
}

}  // namespace

void HostRowAdder::Add(RowElement element, std::byte* rows, int64_t num_columns,
                       absl::Span<const RowAddition> additions) {
  switch (element) {
    case RowElement::kFloat:
      return AddRows(reinterpret_cast<float*>(rows), num_columns, additions);
    case RowElement::kDouble:
      return AddRows(reinterpret_cast<double*>(rows), num_columns, additions);
    case RowElement::kInt64:
      return AddRows(reinterpret_cast<int64_t*>(rows), num_columns, additions);
    case RowElement::kMoments:
      return AddRows(reinterpret_cast<Moments*>(rows), num_columns, additions);
  }
}

}  // namespace quadhop
