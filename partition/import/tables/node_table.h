// A table of nodes, `--nodes`: text, plain or gzip, one node per line, with its name and what is
// known of it.
//
// Fields are as text_fields.h has them, what stands in which column as node_columns.h. Before the
// header, or the first node, blank lines are skipped, lines that begin with "# " are comments,
// except a header that numpy writes so, and sep=; is Excel's. A header may be a field short, as R
// writes it: then the first column has no name, or the last, if nothing stands in it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/store/store.h"
#include "partition/import/tables/node_columns.h"
#include "partition/import/tables/table_header.h"
#include "partition/import/target/import_target.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_chunks.h"
#include "partition/import/text/text_encoding.h"
#include "partition/import/text/text_fields.h"

namespace quadhop {

// Immutable, and so thread-safe. Errors are kInvalidArgument, naming file, line and column, and
// those of TextChunks.
class NodeTable {
 public:
  // Finds the columns, by the header and the first lines.
  static absl::StatusOr<NodeTable> Open(const std::string& path, const ColumnsWanted& wanted);

  const std::string& path() const { return path_; }
  int64_t num_header_lines() const { return header_lines_; }
  int64_t num_features() const { return num_features_; }  // numbers a node
  absl::Span<const size_t> one_hot_columns() const { return columns_.one_hot; }
  bool has_header() const { return !header_.empty(); }
  std::vector<std::string> FeatureNames() const;  // [num_features]: "age"; "x[0]" of a list
  std::string NameOfColumn(size_t column) const;  // "city", or without a header "column 3"
  std::string ColumnPath(size_t column) const;    // "nodes.csv column 3 (city)"
  bool has_labels() const { return columns_.labels != kNoColumn; }
  bool has_splits() const { return columns_.split != kNoColumn || columns_.has_masks(); }
  bool Has(absl::string_view column) const;
  std::string NamesColumn() const;  // "column 1 (id)"
  size_t labels_column() const { return columns_.labels; }
  // A label that lists several, by the first lines; empty: they are single ones (class_texts.h).
  const std::string& several_labels() const { return several_labels_; }
  // The error that what is taken for the header is a node.
  absl::Status HeaderError(absl::string_view why) const;
  absl::string_view NameOfNames() const;  // by the header; empty: there is none
  std::string NameOfLabels() const;       // for --label
  std::string ColumnNames() const;        // for errors; their number if the table has no header
  std::string Describe() const;           // for people: what each column is taken for
  // Estimated from the first lines.
  int64_t num_rows_estimated() const { return num_rows_estimated_; }
  int64_t name_bytes_estimated() const { return name_bytes_estimated_; }  // with their line ends
  int64_t categories_estimated() const { return categories_estimated_; }  // of all one-hot columns
  bool is_estimated() const { return is_estimated_; }  // false: the rows are known

  // Visit(fields, line number from 0) -> absl::Status, for each row of a chunk, in order.
  template <typename Visit>
  absl::Status ForEachRow(const TextChunk& chunk, const Visit& visit) const {
    QH_RETURN_IF_ERROR(CheckIsUtf8(chunk, path_));
    Fields fields;
    return ForEachLine(chunk, [&](absl::string_view line, int64_t number) -> absl::Status {
      if (number < header_lines_) return absl::OkStatus();
      QH_RETURN_IF_ERROR(Split(line, number, &fields));
      return visit(fields, number);
    });
  }

  // Of the fields of a row.
  absl::string_view Name(const Fields& fields) const { return fields[columns_.names]; }
  absl::string_view Label(const Fields& fields) const { return fields[columns_.labels]; }
  absl::StatusOr<SplitPart> Part(const Fields& fields, int64_t line) const;
  // NaN where a value is missing; returns whether one is.
  absl::StatusOr<bool> TakeFeatures(const Fields& fields, int64_t line,
                                    float* out) const;  // [num_features]

 private:
  NodeTable() = default;
  absl::Status ReadHead(const TextChunk& head, const ColumnsWanted& wanted);
  absl::Status ReadHeader(absl::Span<const absl::string_view> lines, const ColumnsWanted& wanted);
  absl::Status Split(absl::string_view line, int64_t number, Fields* fields) const;
  absl::Status CheckRow(absl::string_view line, int64_t number, const Fields& fields) const;
  absl::StatusOr<SplitPart> PartOfWord(absl::string_view word, int64_t line) const;
  bool has_decimal_commas() const { return separator_ == ';'; }  // where a comma separates nothing
  std::string Place(size_t column, int64_t line) const;
  std::string ColumnPlace(size_t column) const;

  std::string path_;
  char separator_ = ' ';
  std::vector<std::string> header_;  // empty: there is none
  int64_t header_lines_ = 0;         // before the first node
  size_t num_columns_ = 0;
  NodeColumns columns_;
  std::vector<size_t> with_commas_;  // of `columns_.texts`: numbers but for commas
  std::string several_labels_;
  int64_t num_features_ = 0;
  int64_t num_rows_estimated_ = 0;
  int64_t name_bytes_estimated_ = 0;
  int64_t categories_estimated_ = 0;
  bool is_estimated_ = false;
};

}  // namespace quadhop
