#include "partition/linear_algebra/row_sum.h"

#include <algorithm>

#include "core/base/prefetch.h"

// Highway compiles this file once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "partition/linear_algebra/row_sum.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace quadhop {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

constexpr int kMaxVectors = 8;  // that registers hold

// Some columns of the rows: those of a few whole vectors, and of a part of one.
template <typename Index>
struct Columns {
  absl::Span<const Index> ids;
  size_t begin, end;
  size_t ahead;    // how many ids ahead rows are prefetched
  const float* x;  // the first of these columns
  int64_t row_size;
  size_t tail;  // columns after the whole vectors, fewer than a vector has
  float* y;
};

// Sums stand in registers from the first row to the last.
template <int kVectors, typename Index>
HWY_INLINE void AddColumns(const Columns<Index>& c) {
  static_assert(kVectors <= kMaxVectors);
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  const size_t tail_at = kVectors * lanes;
  const size_t size = tail_at + c.tail;
  Vec v0, v1, v2, v3, v4, v5, v6, v7;
  const auto for_each_vector = [&](const auto& visit) HWY_ATTR {
    if constexpr (kVectors > 0) visit(v0, 0);
    if constexpr (kVectors > 1) visit(v1, lanes);
    if constexpr (kVectors > 2) visit(v2, 2 * lanes);
    if constexpr (kVectors > 3) visit(v3, 3 * lanes);
    if constexpr (kVectors > 4) visit(v4, 4 * lanes);
    if constexpr (kVectors > 5) visit(v5, 5 * lanes);
    if constexpr (kVectors > 6) visit(v6, 6 * lanes);
    if constexpr (kVectors > 7) visit(v7, 7 * lanes);
  };
  for_each_vector([&](Vec& v, size_t at) HWY_ATTR { v = hn::LoadU(d, c.y + at); });
  for (size_t entry = c.begin; entry < c.end; ++entry) {
    if (entry + c.ahead < c.ids.size())
      Prefetch(c.x + static_cast<int64_t>(c.ids[entry + c.ahead]) * c.row_size,
               static_cast<int64_t>(size * sizeof(float)));
    const float* const row = c.x + static_cast<int64_t>(c.ids[entry]) * c.row_size;
    for_each_vector([&](Vec& v, size_t at) HWY_ATTR { v = hn::Add(v, hn::LoadU(d, row + at)); });
    // Masked vectors may read and write beyond the row on processors without masks.
    for (size_t i = tail_at; i < size; ++i) c.y[i] += row[i];
  }
  for_each_vector([&](Vec& v, size_t at) HWY_ATTR { hn::StoreU(v, d, c.y + at); });
}

template <typename Index>
void AddColumns(size_t vectors, const Columns<Index>& c) {
  switch (vectors) {
    case 0:
      return AddColumns<0>(c);
    case 1:
      return AddColumns<1>(c);
    case 2:
      return AddColumns<2>(c);
    case 3:
      return AddColumns<3>(c);
    case 4:
      return AddColumns<4>(c);
    case 5:
      return AddColumns<5>(c);
    case 6:
      return AddColumns<6>(c);
    case 7:
      return AddColumns<7>(c);
    default:
      return AddColumns<8>(c);
  }
}

template <typename Index>
void AddAll(absl::Span<const Index> ids, size_t begin, size_t end, const float* x, int64_t width,
            float* y) {
  const size_t ahead = RowsAhead(width);
  const size_t lanes = hn::Lanes(Floats());
  const auto columns = static_cast<size_t>(width);
  for (size_t at = 0; at < columns;) {
    const size_t vectors = std::min<size_t>((columns - at) / lanes, kMaxVectors);
    const size_t left = columns - at - vectors * lanes;
    const size_t tail = left < lanes ? left : 0;
    AddColumns(vectors, Columns<Index>{ids, begin, end, ahead, x + at, width, tail, y + at});
    at += vectors * lanes + tail;
  }
}

void AddWordRows(absl::Span<const uint32_t> ids, size_t begin, size_t end, const float* x,
                 int64_t width, float* y) {
  AddAll(ids, begin, end, x, width, y);
}
void AddLongRows(absl::Span<const int64_t> ids, size_t begin, size_t end, const float* x,
                 int64_t width, float* y) {
  AddAll(ids, begin, end, x, width, y);
}

}  // namespace HWY_NAMESPACE
}  // namespace quadhop
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quadhop {

HWY_EXPORT(AddWordRows);
HWY_EXPORT(AddLongRows);

void AddRows(absl::Span<const uint32_t> ids, size_t begin, size_t end, const float* x,
             int64_t width, float* y) {
  HWY_DYNAMIC_DISPATCH(AddWordRows)(ids, begin, end, x, width, y);
}
void AddRows(absl::Span<const int64_t> ids, size_t begin, size_t end, const float* x, int64_t width,
             float* y) {
  HWY_DYNAMIC_DISPATCH(AddLongRows)(ids, begin, end, x, width, y);
}

}  // namespace quadhop
#endif  // HWY_ONCE
