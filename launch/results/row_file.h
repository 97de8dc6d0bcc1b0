// A matrix of results, one row per node, written row by row in any order as .npy or .csv.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/arrays/dtype.h"
#include "core/files/file.h"

namespace quadhop {

// A field of a line of CSV: in quotes if it has a comma, a quote or a line break (RFC 4180).
std::string CsvField(absl::string_view text);

// Rows are on disk while they are written, not in memory. Moves, does not copy. Not thread-safe.
class RowFile {
 public:
  struct Layout {
    DType dtype = DType::kF32;       // kF32 or kI32
    absl::Span<const int64_t> dims;  // [rows] or [rows, columns]
  };
  // Reserves the disk space that the rows take: kResourceExhausted if there is no room. The format
  // is that of the path's ending: kInvalidArgument if it is neither .npy nor .csv.
  static absl::StatusOr<RowFile> Create(const std::string& path, const Layout& layout);

  // The bytes of a row, zero at first.
  uint8_t* Row(int64_t row) { return rows_.data() + data_offset_ + row * row_bytes_; }

  // What CSV has besides numbers. Called twice, each time for rows 0, 1, ...
  struct Text {
    std::string header;                                // a line, without its end
    std::function<std::string(int64_t row)> node;      // the first field of a row
    std::function<std::string(int64_t value)> name{};  // of whole numbers; empty: digits
  };
  // Gives the file its name. Until then its path has what was there before, if anything.
  absl::Status Finish(const Text& text);

 private:
  enum class Format { kNpy, kCsv };
  static absl::StatusOr<Format> FormatOf(const std::string& path);
  RowFile(std::string path, Format format, TemporaryFile file)
      : path_(std::move(path)), format_(format), file_(std::move(file)) {}
  void AppendCsvRow(const Text& text, int64_t row, std::string& out);
  // Calls write(text of a block of rows) for block after block.
  absl::Status ForEachCsvBlock(const Text& text,
                               const std::function<absl::Status(absl::string_view)>& write);
  absl::Status WriteCsv(const Text& text);

  std::string path_;
  Format format_;
  TemporaryFile file_;        // of CSV: rows only, removed at the end
  absl::Span<uint8_t> rows_;  // the whole of file_, mapped
  int64_t data_offset_ = 0, num_rows_ = 0, columns_ = 0, row_bytes_ = 0;
  DType dtype_ = DType::kF32;
};

}  // namespace quadhop
