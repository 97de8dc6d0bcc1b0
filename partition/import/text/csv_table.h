// Tables of comma-separated numbers, parsed on all threads.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/base/status.h"
#include "partition/import/target/import_target.h"
#include "partition/import/text/csv.h"
#include "partition/import/text/text_chunks.h"

namespace quadhop {

// `stem`.csv.gz or `stem`.csv; "" if there is neither.
std::string FindCsv(const std::string& stem);
// kNotFound if there is neither.
absl::StatusOr<std::string> NeedCsv(const std::string& stem);

// A file that holds one row of num_columns numbers for each of num_rows nodes or arcs, parsed on
// all threads.
class CsvTable {
 public:
  static absl::StatusOr<CsvTable> Open(const std::string& path, int64_t num_rows,
                                       std::string counted_by) {
    CsvTable table;
    table.path_ = path;
    table.num_rows_ = num_rows;
    table.counted_by_ = std::move(counted_by);
    QH_ASSIGN_OR_RETURN(table.chunks_, TextChunks::Open(path));
    return table;
  }

  const std::string& path() const { return path_; }
  int64_t num_columns() const { return CountColumns(chunks_->first_line()); }

  // Calls place(chunk) for where its rows belong  // [chunk.num_lines, num_columns], parses them
  // there, and calls check(chunk, values). Both are called from all threads.
  template <typename T, typename Place, typename Check>
  absl::Status Read(int64_t num_columns, ImportTarget& target, ThreadPool& pool, const Place& place,
                    const Check& check) {
    auto body = [&](const TextChunk& chunk, int worker) -> absl::Status {
      target.TellProgress(path_, chunk.share_read);
      if (chunk.first_line + chunk.num_lines > num_rows_) {
        if (chunk.first_line > num_rows_) return absl::OkStatus();  // an earlier chunk says so
        return absl::InvalidArgumentError(absl::StrCat(path_, " line ", num_rows_ + 1,
                                                       " is one row too many: ", counted_by_,
                                                       " says ", num_rows_));
      }
      T* values = place(chunk, worker);
      QH_RETURN_IF_ERROR(ParseCsvChunk(path_, chunk, num_columns, values));
      return check(chunk, values);
    };
    QH_ASSIGN_OR_RETURN(const int64_t rows, chunks_->ForEach(pool, body));
    target.CountText(chunks_->text_bytes());
    if (rows != num_rows_)
      return absl::InvalidArgumentError(
          absl::StrCat(path_, " has ", rows, " rows, but ", counted_by_, " says ", num_rows_));
    return absl::OkStatus();
  }

 private:
  CsvTable() = default;
  std::string path_;
  int64_t num_rows_ = 0;
  std::string counted_by_;
  std::unique_ptr<TextChunks> chunks_;
};

}  // namespace quadhop
