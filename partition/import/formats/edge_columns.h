// Which columns of an edge list hold the two ends of an arc.
//
// Fields are separated by blanks or tabs, commas, semicolons or bars. A first line in which no
// field is a number is a header. Of its names (in any case) src, source, from, u or head is the
// source and dst, target, to, v or tail the target, also src_id and dst_id, source_id and
// target_id, :START_ID and :END_ID; where it has neither, the first two columns are, but for a
// first one without a name, which is the index that pandas writes.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

#include "partition/import/formats/node_names.h"
#include "partition/import/formats/text_fields.h"
#include "partition/import/graph_builder.h"

namespace quadhop {

class EdgeColumns {
 public:
  // From the first lines that are neither blank nor comments (number_lines.h). kInvalidArgument if
  // there is none, if the header names one end only, or if lines end in carriage returns.
  static absl::StatusOr<EdgeColumns> Find(const std::string& path, absl::string_view comments);

  // Of ends that are names: a first line in which neither end is a node is a header.
  static absl::StatusOr<EdgeColumns> FindNamed(const std::string& path, absl::string_view comments,
                                               const NodeNames& nodes);

  int64_t header() const { return header_; }  // its line from 0; -1: there is none
  // Of end 0 or 1 of an arc, from 1.
  size_t column(int end) const { return 1 + field(end); }
  bool has_further() const { return num_fields_ > 2; }
  // What was made of the header; empty if there is none.
  const std::string& note() const { return note_; }

  // The arc in a line. kInvalidArgument, naming the line and what it is: no two ids of 0 and more,
  // or another number of fields than the first edge has.
  absl::StatusOr<Arc> Take(absl::string_view line, int64_t number) const;

  // The same of names: all fields of a line, of which field(end) are the two ends of the arc.
  absl::Status SplitLine(absl::string_view line, int64_t number, Fields* fields) const;
  size_t field(int end) const { return end == 0 ? source_ : target_; }

 private:
  EdgeColumns() = default;
  absl::Status ReadHeader(absl::string_view line);
  size_t Parse(absl::string_view line, Arc* arc) const;
  absl::Status CheckNumFields(size_t num_fields, absl::string_view line, int64_t number) const;
  absl::Status CheckLineEnd(absl::string_view line, int64_t number) const;

  std::string path_;
  int64_t header_ = -1;
  char separator_ = ' ';  // of fields, as the header has it
  size_t source_ = 0;
  size_t target_ = 1;
  size_t num_fields_ = 0;  // of every line; 0: not known
  std::string note_;
};

}  // namespace quadhop
