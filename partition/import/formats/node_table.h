// A table of nodes, `--nodes`: text, plain or gzip, a node a line, with its name and what is known
// of it.
//
// Fields are as text_fields.h has them. The first line is a header if none of its fields is a
// number, or if its first field is empty or a name of the column of names. With a header:
//   names     the column id, node, node_id, nid, name or :ID, else the first
//   labels    the column `label`, if it is given, else label, labels, class, target or y
//   splits    the column split, of train, val (valid, validation, dev) and test, else nothing;
//             or the columns train_mask, val_mask (valid_mask) and test_mask, of true or 1
//   features  every other column of numbers, of true and false, or of lists of numbers, as many in
//             each, such as [0.5, 1], as far as the first 1000 lines tell
// Without one, names are in the first column, and labels in column number `label`, or else in the
// last if it is not of numbers. Other columns are left aside.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/status.h"
#include "partition/import/formats/number_lines.h"
#include "partition/import/formats/text_chunks.h"
#include "partition/import/formats/text_fields.h"
#include "partition/import/import_target.h"

namespace quadhop {

// Immutable, and so thread-safe. Errors are kInvalidArgument, naming file, line and column, and
// those of TextChunks.
class NodeTable {
 public:
  // Finds the columns, by the header and the first lines. `label` may be empty; a table without
  // that column has no labels.
  static absl::StatusOr<NodeTable> Open(const std::string& path, const std::string& label);

  const std::string& path() const { return path_; }
  int64_t num_header_lines() const { return header_lines_; }
  int64_t num_features() const { return num_features_; }  // values a node
  bool has_labels() const { return labels_ != kNoField; }
  bool has_splits() const;
  std::string LabelPlace() const;   // "FILE column 3"
  std::string ColumnNames() const;  // for errors; of a table without a header their number
  std::string Describe() const;     // for people: what each column is taken for
  // An estimate, by the first MB.
  int64_t num_rows_estimated() const { return num_rows_estimated_; }
  int64_t name_bytes_estimated() const { return name_bytes_estimated_; }  // with their line ends

  // Body(chunk), on all threads, in any order.
  absl::Status ForEachChunk(ImportTarget& target, ThreadPool& pool,
                            const std::function<absl::Status(const TextChunk&)>& body) const;
  // Visit(fields, line number from 0) -> absl::Status, for each row of a chunk, in order.
  template <typename Visit>
  absl::Status ForEachRow(const TextChunk& chunk, const Visit& visit) const {
    Fields fields;
    return ForEachLine(chunk, [&](absl::string_view line, int64_t number) -> absl::Status {
      if (number < header_lines_) return absl::OkStatus();
      QH_RETURN_IF_ERROR(Split(line, number, &fields));
      return visit(fields, number);
    });
  }

  // Of the fields of a row.
  absl::string_view Name(const Fields& fields) const { return fields[names_]; }
  absl::string_view Label(const Fields& fields) const { return fields[labels_]; }
  absl::StatusOr<SplitPart> Part(const Fields& fields, int64_t line) const;
  absl::Status TakeFeatures(const Fields& fields, int64_t line,
                            float* out) const;  // [num_features]

 private:
  struct FeatureColumn {
    size_t field;
    int64_t width;  // numbers in a field
  };

  NodeTable() = default;
  absl::Status Split(absl::string_view line, int64_t number, Fields* fields) const;
  bool IsHeader(const Fields& fields, const std::string& label) const;
  // `widths` are those of each column's entries, as far as the first lines tell.
  void FindColumns(const Fields& header, absl::Span<const int64_t> widths,
                   const std::string& label);
  bool IsTaken(size_t field) const;
  std::string Place(size_t field, int64_t line) const;
  std::string NameOfColumn(size_t field) const;

  std::string path_;
  char separator_ = ' ';
  std::vector<std::string> header_;  // empty: there is none
  int64_t header_lines_ = 0;
  int64_t num_rows_estimated_ = 0;
  int64_t name_bytes_estimated_ = 0;
  size_t num_fields_ = 0;
  size_t names_ = 0;
  size_t labels_ = kNoField;
  size_t splits_ = kNoField;
  std::array<size_t, 3> masks_ = {kNoField, kNoField, kNoField};  // train, valid, test
  std::vector<FeatureColumn> features_;
  int64_t num_features_ = 0;
};

}  // namespace quadhop
