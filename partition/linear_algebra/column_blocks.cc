#include "partition/linear_algebra/column_blocks.h"

#include <algorithm>

#include "core/base/check.h"

namespace quadhop {
namespace {

constexpr int64_t kBytesACall = int64_t{128} << 10;  // of the disk

}  // namespace

int64_t ColumnsThatFit(int64_t width, int64_t column_bytes, int64_t memory_bytes) {
  const int64_t fitting = memory_bytes / std::max<int64_t>(1, column_bytes);
  if (fitting >= width) return width;
  return std::min(width, std::max(kLeastColumns, fitting / kLeastColumns * kLeastColumns));
}

ColumnBlocks::ColumnBlocks(ScratchFile& file, int64_t num_rows, int64_t width, int64_t columns,
                           int64_t element_bytes)
    : file_(&file),
      num_rows_(num_rows),
      width_(width),
      columns_(columns),
      element_bytes_(element_bytes),
      offset_bytes_(file.Reserve(num_rows * width * element_bytes)) {}

int64_t ColumnBlocks::rows_at_a_time() const {
  return std::max<int64_t>(1, kBytesACall / (columns_ * element_bytes_));
}

int64_t ColumnBlocks::CountAt(int64_t begin) const { return std::min(columns_, width_ - begin); }

int64_t ColumnBlocks::BytesOf(int64_t num_rows, int64_t begin) const {
  return num_rows * CountAt(begin) * element_bytes_;
}

int64_t ColumnBlocks::OffsetOf(int64_t row, int64_t begin) const {
  QH_CHECK_EQ(begin % columns_, 0);
  return offset_bytes_ + begin * num_rows_ * element_bytes_ + BytesOf(row, begin);
}

absl::Status ColumnBlocks::Write(BlockRange rows, int64_t begin, const void* data) {
  return file_->WriteAt(OffsetOf(rows.begin, begin), data, BytesOf(rows.end - rows.begin, begin));
}

absl::Status ColumnBlocks::Read(BlockRange rows, int64_t begin, void* data) const {
  return file_->ReadAt(OffsetOf(rows.begin, begin), data, BytesOf(rows.end - rows.begin, begin));
}

}  // namespace quadhop
