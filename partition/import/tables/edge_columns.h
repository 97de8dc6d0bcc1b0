// Which columns of an edge list hold the two ends of an arc.
//
// Fields are as text_fields.h has them. In a header (in any case), src, source, from, u or head
// names the source and dst, destination, target, to, v or tail the target, also with _id or _node
// after it (src_id, source_node); so do start_id and end_id, and neo4j's :START_ID and :END_ID. If
// it has neither, the ends are the first two columns, not counting those called edge_id, index,
// weight or w, or nothing, which is the index that pandas writes.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "partition/import/tables/node_names.h"
#include "partition/import/target/graph_builder.h"
#include "partition/import/text/text_fields.h"

namespace quadhop {

class EdgeColumns {
 public:
  // For ends that are numbers: a first line in which no field is a number is a header. Reads the
  // first lines that are neither blank nor comments (number_lines.h). `ends` is as in FindNamed.
  // kInvalidArgument if there is none, if the header names one end only, if lines end in carriage
  // returns, for so many columns without a header that it must be something else, or if the first
  // of three columns or more, which nobody has called an end, may number the lines.
  static absl::StatusOr<EdgeColumns> Find(const std::string& path, const std::string& ends,
                                          absl::string_view comments);

  // For ends that are names of nodes. A first line in which no field is a number or a node, or
  // whose first field is empty, is a header, which may be a field short, as R writes it
  // (table_header.h). The ends are in the columns `ends`, "SRC,DST", by their names or, without a
  // header, by numbers from 1, if that is not empty; else where the header names both; else, if
  // there are more than two columns, in the two whose entries are mostly nodes, as far as the first
  // lines tell, not counting those that are no ends by their names, nor id. Also
  // kInvalidArgument if that is so of more than two, and for a header of another length than the
  // first arc.
  static absl::StatusOr<EdgeColumns> FindNamed(const std::string& path, const std::string& ends,
                                               const NodeNames& nodes);

  int64_t header() const { return header_; }  // its line from 0; -1: there is none
  // The column of end 0 or 1 of an arc, from 1.
  size_t column(int end) const { return 1 + ends_[static_cast<size_t>(end)]; }
  size_t num_further() const { return num_fields_ > 2 ? num_fields_ - 2 : 0; }
  // How the header, or the columns, were understood; empty if there is nothing to say.
  const std::string& note() const { return note_; }

  // The arc in a line. kInvalidArgument, naming the line and what it is, if it has no two ids of 0
  // or more, or another number of fields than the first edge.
  absl::StatusOr<Arc> Take(absl::string_view line, int64_t number) const;

  // The same for ends that are names, which are views of `fields`.
  absl::StatusOr<std::array<absl::string_view, 2>> TakeNames(absl::string_view line, int64_t number,
                                                             Fields* fields) const;

  // For such ends: whether the line is blank, begins with # or % but not with a node, or is Excel's
  // sep=;.
  bool IsRemark(absl::string_view line, const NodeNames& nodes) const;

 private:
  EdgeColumns() = default;
  absl::Status CheckNotNumbered(absl::string_view comments) const;
  absl::Status ReadHeader(absl::string_view line, const std::string& ends);
  absl::Status ReadNamedHeader(absl::Span<const Fields> examples, const NodeNames& nodes,
                               std::vector<std::string>* header) const;
  absl::Status TakeEnds(const std::string& ends, absl::Span<const std::string> header);
  absl::Status FindEnds(absl::Span<const Fields> examples, absl::Span<const std::string> header,
                        const NodeNames& nodes);
  void NoteColumns();
  size_t Parse(absl::string_view line, Arc* arc) const;
  absl::Status CheckLine(size_t num_fields, absl::string_view line, int64_t number) const;

  std::string path_;
  int64_t header_ = -1;
  char separator_ = ' ';                 // of fields, as the first line has it
  std::array<size_t, 2> ends_ = {0, 1};  // columns from 0
  bool are_named_ = false;               // the ends, by the header
  size_t num_fields_ = 0;                // of every line; 0: not known
  std::string note_;
};

}  // namespace quadhop
