#include "partition/import/formats/edge_columns.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>

#include "core/status.h"
#include "partition/import/formats/number_lines.h"

namespace quadhop {
namespace {

// A tab at the end is that of an empty column.
absl::string_view WithoutTrailingBlanks(absl::string_view line) {
  return line.substr(0, line.find_last_not_of(" \r\n") + 1);
}

// Of what follows two ids.
size_t CountFields(absl::string_view rest) {
  rest = WithoutTrailingBlanks(rest);
  const absl::string_view from = absl::StripLeadingAsciiWhitespace(rest);
  if (rest.empty()) return 0;
  const bool separated = !from.empty() && (from[0] == ',' || from[0] == ';' || from[0] == '|');
  if (separated || rest[0] == '\t')
    return static_cast<size_t>(std::count(rest.begin(), rest.end(), separated ? from[0] : '\t'));
  return FieldsOf(from, ' ').size();
}

// No field is a number.
bool IsHeader(absl::string_view line) {
  const Fields fields = FieldsOf(line, SeparatorOf(line));
  return std::none_of(fields.begin(), fields.end(), IsNumber);
}

absl::StatusOr<HeadLine> ReadFirstLine(const std::string& path, absl::string_view comments) {
  QH_ASSIGN_OR_RETURN(HeadLine first, ReadHeadLine(path, comments));
  if (first.text.find('\r') != std::string::npos)
    return LineError(path, first.number, first.text,
                     "lines end in a carriage return alone: convert it, tr '\\r' '\\n'");
  return first;
}

}  // namespace

absl::StatusOr<EdgeColumns> EdgeColumns::Find(const std::string& path, absl::string_view comments) {
  EdgeColumns columns;
  columns.path_ = path;
  QH_ASSIGN_OR_RETURN(HeadLine first, ReadFirstLine(path, comments));
  Arc arc;
  if (columns.Parse(first.text, &arc) == 0 && IsHeader(first.text)) {
    columns.header_ = first.number;
    QH_RETURN_IF_ERROR(columns.ReadHeader(first.text));
    QH_ASSIGN_OR_RETURN(first, ReadHeadLine(path, comments, first.number + 1));
  }
  columns.num_fields_ = columns.Parse(first.text, &arc);
  return columns;
}

absl::StatusOr<EdgeColumns> EdgeColumns::FindNamed(const std::string& path,
                                                   absl::string_view comments,
                                                   const NodeNames& nodes) {
  EdgeColumns columns;
  columns.path_ = path;
  QH_ASSIGN_OR_RETURN(HeadLine first, ReadFirstLine(path, comments));
  columns.separator_ = SeparatorOf(first.text);
  Fields fields = FieldsOf(first.text, columns.separator_);
  fields.resize(std::max<size_t>(fields.size(), 2));
  if (nodes.NodeOf(fields[0]) == NodeNames::kNone && nodes.NodeOf(fields[1]) == NodeNames::kNone) {
    columns.header_ = first.number;
    QH_RETURN_IF_ERROR(columns.ReadHeader(first.text));
    QH_ASSIGN_OR_RETURN(first, ReadHeadLine(path, comments, first.number + 1));
  }
  columns.num_fields_ = FieldsOf(first.text, columns.separator_).size();
  return columns;
}

absl::Status EdgeColumns::ReadHeader(absl::string_view line) {
  separator_ = SeparatorOf(line);
  const Fields header = FieldsOf(line, separator_);
  const size_t source =
      FindField(header, {"src", "source", "from", "u", "head", "src_id", "source_id", ":START_ID"});
  const size_t target =
      FindField(header, {"dst", "target", "to", "v", "tail", "dst_id", "target_id", ":END_ID"});
  if (source != kNoField && target != kNoField) {
    source_ = source;
    target_ = target;
  } else if ((source != kNoField && source != source_) ||
             (target != kNoField && target != target_)) {
    return LineError(path_, header_, line,
                     "it names one end of an arc, but not the other: name both, src and dst");
  } else if (header.size() > 2 &&
             (header[0].empty() || absl::StartsWithIgnoreCase(header[0], "unnamed:"))) {
    source_ = 1;
    target_ = 2;
  }
  note_ = absl::StrCat("line ", header_ + 1, " is a header: sources are in column ", source_ + 1,
                       ", targets in column ", target_ + 1);
  return absl::OkStatus();
}

// The number of fields; 0 if there are no two ids in them.
size_t EdgeColumns::Parse(absl::string_view line, Arc* arc) const {
  absl::string_view rest = absl::StripLeadingAsciiWhitespace(line);
  const bool quoted = !rest.empty() && rest[0] == '"';
  if (source_ != 0 || target_ != 1 || quoted) {
    const Fields fields = FieldsOf(line, quoted ? SeparatorOf(line) : separator_);
    const bool taken = std::max(source_, target_) < fields.size() &&
                       absl::SimpleAtoi(fields[source_], &arc->source) &&
                       absl::SimpleAtoi(fields[target_], &arc->target);
    return taken ? fields.size() : 0;
  }
  if (rest.empty() || rest[0] == ',' || rest[0] == ';' || rest[0] == '|')
    return 0;  // the first field is empty, and what comes next is not it
  if (!TakeInteger(&rest, &arc->source) || !TakeInteger(&rest, &arc->target)) return 0;
  return 2 + CountFields(rest);
}

absl::StatusOr<Arc> EdgeColumns::Take(absl::string_view line, int64_t number) const {
  Arc arc;
  const size_t num_fields = Parse(line, &arc);
  if (num_fields == 0)
    return LineError(path_, number, line,
                     "two node ids are needed, whole numbers below 2^63; where nodes have names, "
                     "--nodes gives the table of them");
  QH_RETURN_IF_ERROR(CheckNumFields(num_fields, line, number));
  if (arc.source < 0 || arc.target < 0)
    return LineError(path_, number, line, "node ids are at least 0: is it padding?");
  QH_RETURN_IF_ERROR(CheckLineEnd(line, number));
  return arc;
}

absl::Status EdgeColumns::SplitLine(absl::string_view line, int64_t number, Fields* fields) const {
  SplitFields(line, separator_, fields);
  if (fields->size() <= std::max(source_, target_))
    return LineError(path_, number, line, "the names of two nodes are needed");
  QH_RETURN_IF_ERROR(CheckNumFields(fields->size(), line, number));
  return CheckLineEnd(line, number);
}

absl::Status EdgeColumns::CheckNumFields(size_t num_fields, absl::string_view line,
                                         int64_t number) const {
  if (num_fields == num_fields_) return absl::OkStatus();
  return LineError(path_, number, line,
                   absl::StrCat("it has ", num_fields, " fields, the first edge has ", num_fields_,
                                ": every line is one arc"));
}

absl::Status EdgeColumns::CheckLineEnd(absl::string_view line, int64_t number) const {
  const size_t lone = line.find('\r');
  if (lone == absl::string_view::npos || lone + 1 == line.size()) return absl::OkStatus();
  return LineError(path_, number, line, "a carriage return stands in it");
}

}  // namespace quadhop
