#include "launch/results/row_file.h"

#include <absl/strings/match.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cstring>

#include "core/arrays/npy.h"
#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

}  // namespace

std::string CsvField(absl::string_view text) {
  if (text.find_first_of(",\"\r\n") == absl::string_view::npos) return std::string(text);
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

absl::StatusOr<RowFile::Format> RowFile::FormatOf(const std::string& path) {
  if (absl::EndsWith(path, ".npy")) return Format::kNpy;
  if (absl::EndsWith(path, ".csv")) return Format::kCsv;
  return absl::InvalidArgumentError(
      absl::StrCat("results are written as .npy or .csv, but ", path, " ends in neither"));
}

absl::StatusOr<RowFile> RowFile::Create(const std::string& path, const Layout& layout) {
  QH_CHECK(layout.dtype == DType::kF32 || layout.dtype == DType::kI32);
  QH_ASSIGN_OR_RETURN(const Format format, FormatOf(path));
  const std::string header =
      format == Format::kNpy ? NpyHeaderBytes(layout.dtype, layout.dims) : "";
  const int64_t columns = layout.dims.size() == 1 ? 1 : layout.dims[1];
  const int64_t row_bytes = columns * SizeOfDType(layout.dtype);
  QH_ASSIGN_OR_RETURN(
      TemporaryFile file,
      TemporaryFile::Create(format == Format::kNpy ? path : path + ".rows",
                            static_cast<int64_t>(header.size()) + layout.dims[0] * row_bytes));
  RowFile rows(path, format, std::move(file));
  QH_ASSIGN_OR_RETURN(rows.rows_, rows.file_.Map());
  std::copy(header.begin(), header.end(), rows.rows_.begin());
  rows.data_offset_ = static_cast<int64_t>(header.size());
  rows.num_rows_ = layout.dims[0];
  rows.columns_ = columns;
  rows.row_bytes_ = row_bytes;
  rows.dtype_ = layout.dtype;
  return rows;
}

void RowFile::AppendCsvRow(const Text& text, int64_t row, std::string& out) {
  absl::StrAppend(&out, CsvField(text.node(row)));
  const uint8_t* bytes = Row(row);
  for (int64_t c = 0; c < columns_; ++c, bytes += SizeOfDType(dtype_)) {
    out.push_back(',');
    if (dtype_ == DType::kF32) {
      float value;
      std::memcpy(&value, bytes, sizeof(value));
      absl::StrAppendFormat(&out, "%.9g", value);  // reads back equal
    } else {
      int32_t value;
      std::memcpy(&value, bytes, sizeof(value));
      absl::StrAppend(&out, text.name ? CsvField(text.name(value)) : absl::StrCat(value));
    }
  }
  out.push_back('\n');
}

absl::Status RowFile::ForEachCsvBlock(const Text& text,
                                      const std::function<absl::Status(absl::string_view)>& write) {
  std::string block = text.header + "\n";
  for (int64_t row = 0; row < num_rows_; ++row) {
    AppendCsvRow(text, row, block);
    if (block.size() < kBlockBytes) continue;
    QH_RETURN_IF_ERROR(write(block));
    block.clear();
  }
  return write(block);
}

absl::Status RowFile::WriteCsv(const Text& text) {
  // A first pass for the size, which is reserved before the first byte is written.
  int64_t num_bytes = 0;
  QH_RETURN_IF_ERROR(ForEachCsvBlock(text, [&](absl::string_view block) {
    num_bytes += static_cast<int64_t>(block.size());
    return absl::OkStatus();
  }));
  QH_ASSIGN_OR_RETURN(TemporaryFile csv, TemporaryFile::Create(path_, num_bytes));
  int64_t place = 0;
  QH_RETURN_IF_ERROR(ForEachCsvBlock(text, [&](absl::string_view block) {
    const auto size = static_cast<int64_t>(block.size());
    place += size;
    return csv.WriteAt(place - size, block.data(), size);
  }));
  return csv.TakeName();
}

absl::Status RowFile::Finish(const Text& text) {
  return format_ == Format::kNpy ? file_.TakeName() : WriteCsv(text);
}

}  // namespace quadhop
