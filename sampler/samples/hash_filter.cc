#include "sampler/samples/hash_filter.h"

#include <hwy/cache_control.h>

#include <bit>

#include "core/base/check.h"

// Highway compiles this file once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sampler/samples/hash_filter.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace quadhop {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<uint32_t>;
using Vec = hn::Vec<Words>;

// EntryHashUpper of ids whose lower words are `low`, with `middle` the key of the second round.
HWY_INLINE Vec Hash(Vec low, Vec first, Vec middle) {
  const Words d;
  Vec x = hn::Add(low, first);
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<17>(x)), hn::Set(d, kEntryMultiplier1));
  x = hn::Xor(x, middle);
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<11>(x)), hn::Set(d, kEntryMultiplier2));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<15>(x)), hn::Set(d, kEntryMultiplier3));
  return hn::Xor(x, hn::ShiftRight<14>(x));
}

HWY_INLINE Vec HashAt(const uint32_t* ids, Vec first, Vec second) {
  return Hash(hn::LoadU(Words(), ids), first, second);
}

HWY_INLINE Vec HashAt(const int64_t* ids, Vec first, Vec second) {
  static_assert(std::endian::native == std::endian::little);
  const Words d;
  Vec low, upper;
  hn::LoadInterleaved2(d, reinterpret_cast<const uint32_t*>(ids), low, upper);
  return Hash(low, first, hn::Xor(second, hn::Mul(upper, hn::Set(d, kEntryUpperMultiplier))));
}

// Appends ids[i] for each set bit i of the mask.
template <typename Index>
HWY_INLINE size_t AppendMasked(hn::Mask<Words> mask, const Index* ids, Index* out) {
  const Words d;
  uint8_t bytes[(hn::MaxLanes(d) + 63) / 64 * 8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  size_t count = 0;
  for (size_t word = 0; word < sizeof(bytes) / 8; ++word) {
    uint64_t bits;
    hwy::CopyBytes<8>(bytes + 8 * word, &bits);
    for (; bits != 0; bits &= bits - 1)
      out[count++] = ids[64 * word + hwy::Num0BitsBelowLS1Bit_Nonzero64(bits)];
  }
  return count;
}

template <typename Index>
size_t Filter(absl::Span<const NeighbourRow<Index>> rows, EntryKey key, uint32_t upper_limit,
              RowCursor& cursor, absl::Span<Index> out) {
  constexpr size_t kRowsAhead = 6;
  const Words d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Vec first = hn::Set(d, key.low()), second = hn::Set(d, key.high());
  const Vec limit = hn::Set(d, upper_limit);
  const size_t room = out.size() - kFilterBlock;
  size_t count = 0;
  for (; cursor.row < rows.size(); ++cursor.row, cursor.offset = 0) {
    if (cursor.row + kRowsAhead < rows.size()) {
      const auto* ahead = reinterpret_cast<const char*>(rows[cursor.row + kRowsAhead].begin);
      hwy::Prefetch(ahead);
      hwy::Prefetch(ahead + 64);
      hwy::Prefetch(ahead + 128);
    }
    const Index* ids = rows[cursor.row].begin;
    const int64_t size = rows[cursor.row].size;
    int64_t i = cursor.offset;
    for (; i + 2 * lanes <= size; i += 2 * lanes) {
      if (HWY_UNLIKELY(count > room)) {
        cursor.offset = i;
        return count;
      }
      const auto above0 = hn::Gt(HashAt(ids + i, first, second), limit);
      const auto above1 = hn::Gt(HashAt(ids + i + lanes, first, second), limit);
      if (HWY_UNLIKELY(!hn::AllTrue(d, hn::And(above0, above1)))) {
        count += AppendMasked(hn::Not(above0), ids + i, out.data() + count);
        count += AppendMasked(hn::Not(above1), ids + i + lanes, out.data() + count);
      }
    }
    if (HWY_UNLIKELY(count > room)) {
      cursor.offset = i;
      return count;
    }
    if (size < lanes) {
      for (; i < size; ++i) {
        out[count] = ids[i];
        if (EntryHashUpper(key, static_cast<uint64_t>(ids[i])) <= upper_limit) ++count;
      }
      continue;
    }
    // At most two vectors are left; the last one reaches back over entries already read.
    while (i < size) {
      const int64_t at = i + lanes <= size ? i : size - lanes;
      const auto above = hn::Gt(HashAt(ids + at, first, second), limit);
      if (HWY_UNLIKELY(!hn::AllTrue(d, above)))
        count += AppendMasked(hn::Not(above), ids + at, out.data() + count);
      i = at + lanes;
    }
  }
  return count;
}

size_t FilterWords(absl::Span<const NeighbourRow<uint32_t>> rows, EntryKey key,
                   uint32_t upper_limit, RowCursor& cursor, absl::Span<uint32_t> out) {
  return Filter(rows, key, upper_limit, cursor, out);
}
size_t FilterLongs(absl::Span<const NeighbourRow<int64_t>> rows, EntryKey key, uint32_t upper_limit,
                   RowCursor& cursor, absl::Span<int64_t> out) {
  return Filter(rows, key, upper_limit, cursor, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace quadhop
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quadhop {

HWY_EXPORT(FilterWords);
HWY_EXPORT(FilterLongs);

size_t FilterRows(absl::Span<const NeighbourRow<uint32_t>> rows, EntryKey key, uint32_t upper_limit,
                  RowCursor& cursor, absl::Span<uint32_t> out) {
  QH_CHECK_GE(out.size(), kFilterBlock);
  return HWY_DYNAMIC_DISPATCH(FilterWords)(rows, key, upper_limit, cursor, out);
}

size_t FilterRows(absl::Span<const NeighbourRow<int64_t>> rows, EntryKey key, uint32_t upper_limit,
                  RowCursor& cursor, absl::Span<int64_t> out) {
  QH_CHECK_GE(out.size(), kFilterBlock);
  return HWY_DYNAMIC_DISPATCH(FilterLongs)(rows, key, upper_limit, cursor, out);
}

}  // namespace quadhop
#endif  // HWY_ONCE
