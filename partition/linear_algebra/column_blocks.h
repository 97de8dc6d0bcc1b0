// Matrices of which memory holds only some columns at a time.
#pragma once

#include <absl/status/status.h>

#include <cstdint>

#include "core/threads/thread_pool.h"
#include "partition/scratch/scratch_file.h"

namespace quadhop {

inline constexpr int64_t kLeastColumns = 16;  // a cache line: a product fetches rows anywhere in x

// How many of `width` columns to carry at a time: all if they fit, else a multiple of
// kLeastColumns, at least so many whether they fit or not.
int64_t ColumnsThatFit(int64_t width, int64_t column_bytes, int64_t memory_bytes);

// An [N, F] matrix on disk that is made W columns at a time, and read by columns or by rows: each W
// columns are an array of their own there, so that neither way goes over the file more than once.
// Borrows the file. Thread-safe.
class ColumnBlocks {
 public:
  // Its elements are of `element_bytes`; reserves room for all of them in the file.
  ColumnBlocks(ScratchFile& file, int64_t num_rows, int64_t width, int64_t columns,
               int64_t element_bytes);

  int64_t width() const { return width_; }                 // F
  int64_t columns() const { return columns_; }             // W
  int64_t rows_at_a_time() const;                          // as many as make a call worthwhile
  int64_t CountAt(int64_t begin) const;                    // W, except for the last
  int64_t BytesOf(int64_t num_rows, int64_t begin) const;  // of the array at `begin`

  // The rows of columns [begin, begin + W), `begin` a multiple of W. Errors of the disk.
  absl::Status Write(BlockRange rows, int64_t begin, const void* data);  // [rows, W]
  absl::Status Read(BlockRange rows, int64_t begin, void* data) const;   // [rows, W]

 private:
  int64_t OffsetOf(int64_t row, int64_t begin) const;

  ScratchFile* file_;
  int64_t num_rows_, width_, columns_, element_bytes_;
  int64_t offset_bytes_;  // in the file
};

}  // namespace quadhop
