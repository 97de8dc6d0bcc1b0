#include "sampler/features/row_copy.h"

#include <algorithm>
#include <cstring>

#include "core/base/prefetch.h"

namespace quadhop {
namespace {

constexpr int64_t kBlockRows = 256;
// What one core can have in flight, and its first-level cache holds.
constexpr int64_t kBytesAhead = 8192;
constexpr int64_t kMaxRowsAhead = 32;

// Calls copy(row, i) for each of `rows`, whose memory is prefetched some rows ahead.
template <typename Copy>
void ForEachRow(absl::Span<const uint8_t* const> rows, int64_t row_bytes, ThreadPool& pool,
                const Copy& copy) {
  const auto num_rows = static_cast<int64_t>(rows.size());
  const int64_t rows_ahead =
      std::min(NumBlocks(kBytesAhead, std::max<int64_t>(row_bytes, 1)), kMaxRowsAhead);
  pool.ParallelFor(NumBlocks(num_rows, kBlockRows), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_rows, kBlockRows);
    const auto row = [&](int64_t i) { return rows[static_cast<size_t>(i)]; };
    for (int64_t i = range.begin; i < std::min(range.begin + rows_ahead, range.end); ++i)
      Prefetch(row(i), row_bytes);
    for (int64_t i = range.begin; i < range.end; ++i) {
      if (i + rows_ahead < range.end) Prefetch(row(i + rows_ahead), row_bytes);
      copy(row(i), i);
    }
  });
}

}  // namespace

void CopyRowsToFloat(DType dtype, int64_t row_size, absl::Span<const uint8_t* const> rows,
                     float* out, ThreadPool& pool) {
  const int64_t row_bytes = row_size * SizeOfDType(dtype);
  ForEachRow(rows, row_bytes, pool, [&](const uint8_t* row, int64_t i) {
    float* target = out + i * row_size;
    if (dtype == DType::kF32)
      std::memcpy(target, row, static_cast<size_t>(row_bytes));
    else
      ConvertToFloat(dtype, row, row_size, target);
  });
}

void CopyRows(int64_t row_bytes, absl::Span<const uint8_t* const> rows, uint8_t* out,
              ThreadPool& pool) {
  ForEachRow(rows, row_bytes, pool, [&](const uint8_t* row, int64_t i) {
    std::memcpy(out + i * row_bytes, row, static_cast<size_t>(row_bytes));
  });
}

}  // namespace quadhop
