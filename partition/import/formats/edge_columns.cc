#include "partition/import/formats/edge_columns.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "core/status.h"
#include "partition/import/formats/number_lines.h"

namespace quadhop {
namespace {

using Fields = std::vector<absl::string_view>;

absl::string_view WithoutQuotes(absl::string_view field) {
  field = absl::StripAsciiWhitespace(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
    field = field.substr(1, field.size() - 2);
  return field;
}

// A tab at the end is that of an empty column.
absl::string_view WithoutTrailingBlanks(absl::string_view line) {
  return line.substr(0, line.find_last_not_of(" \r\n") + 1);
}

// The first of these that the line has, else blanks.
char SeparatorOf(absl::string_view line) {
  for (const char separator : {',', ';', '|', '\t'})
    if (line.find(separator) != absl::string_view::npos) return separator;
  return ' ';
}

Fields FieldsOf(absl::string_view line, char separator) {
  Fields fields;
  line = WithoutTrailingBlanks(line);
  if (separator == ' ') {
    fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
  } else {
    fields = absl::StrSplit(line, separator);
  }
  for (absl::string_view& field : fields) field = WithoutQuotes(field);
  return fields;
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

// The first column of one of these names, or npos.
size_t FindColumn(const Fields& header, std::initializer_list<absl::string_view> names) {
  for (size_t i = 0; i < header.size(); ++i)
    for (const absl::string_view name : names)
      if (absl::EqualsIgnoreCase(header[i], name)) return i;
  return Fields::size_type(-1);
}

// No field is a number.
bool IsHeader(absl::string_view line) {
  const Fields fields = FieldsOf(line, SeparatorOf(line));
  double value;
  return std::none_of(fields.begin(), fields.end(),
                      [&](absl::string_view field) { return absl::SimpleAtod(field, &value); });
}

}  // namespace

absl::StatusOr<EdgeColumns> EdgeColumns::Find(const std::string& path, absl::string_view comments) {
  EdgeColumns columns;
  columns.path_ = path;
  QH_ASSIGN_OR_RETURN(HeadLine first, ReadHeadLine(path, comments));
  if (first.text.find('\r') != std::string::npos)
    return LineError(path, first.number, first.text,
                     "lines end in a carriage return alone: convert it, tr '\\r' '\\n'");
  Arc arc;
  if (columns.Parse(first.text, &arc) == 0 && IsHeader(first.text)) {
    columns.header_ = first.number;
    QH_RETURN_IF_ERROR(columns.ReadHeader(first.text));
    QH_ASSIGN_OR_RETURN(first, ReadHeadLine(path, comments, first.number + 1));
  }
  columns.num_fields_ = columns.Parse(first.text, &arc);
  return columns;
}

absl::Status EdgeColumns::ReadHeader(absl::string_view line) {
  separator_ = SeparatorOf(line);
  const Fields header = FieldsOf(line, separator_);
  constexpr auto kNone = Fields::size_type(-1);
  const size_t source = FindColumn(header, {"src", "source", "from", "u", "head"});
  const size_t target = FindColumn(header, {"dst", "target", "to", "v", "tail"});
  if (source != kNone && target != kNone) {
    source_ = source;
    target_ = target;
  } else if ((source != kNone && source != source_) || (target != kNone && target != target_)) {
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
    return LineError(path_, number, line, "two node ids are needed, whole numbers below 2^63");
  if (num_fields != num_fields_)
    return LineError(path_, number, line,
                     absl::StrCat("it has ", num_fields, " fields, the first edge has ",
                                  num_fields_, ": every line is one arc"));
  if (arc.source < 0 || arc.target < 0)
    return LineError(path_, number, line, "node ids are at least 0: is it padding?");
  const size_t lone = line.find('\r');
  if (lone != absl::string_view::npos && lone + 1 < line.size())
    return LineError(path_, number, line, "a carriage return stands in it");
  return arc;
}

}  // namespace quadhop
