#include "partition/import/tables/edge_columns.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "partition/import/tables/table_header.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_chunks.h"
#include "partition/import/text/text_encoding.h"

namespace quadhop {
namespace {

constexpr char kNoSeparator = '\0';  // it is not known yet
// Of an edge list without a header: ids, weights, times, kinds, but not the row of a matrix.
constexpr size_t kMostFields = 6;

// The number of fields after two ids, in a line without quotes.
size_t CountFields(absl::string_view rest) {
  rest = WithoutTrailingBlanks(rest);
  const absl::string_view from = absl::StripLeadingAsciiWhitespace(rest);
  if (rest.empty()) return 0;
  const bool separated = !from.empty() && (from[0] == ',' || from[0] == ';' || from[0] == '|');
  if (separated || rest[0] == '\t')
    return static_cast<size_t>(std::count(rest.begin(), rest.end(), separated ? from[0] : '\t'));
  return Fields(from, ' ').size();
}

bool HasNoNumber(absl::string_view line) {
  const Fields fields(line, SeparatorOf(line));
  return std::none_of(fields.begin(), fields.end(), [](absl::string_view field) {
    return IsNumber(field) || absl::StartsWithIgnoreCase(field, "0x");
  });
}

// "source_node", "src id" and "fromId" without the part that says that they are nodes.
absl::string_view EndName(absl::string_view name) {
  for (const absl::string_view suffix : {"_id", " id", "_node", " node", "Id", "ID"}) {
    const bool ends = absl::ascii_isalpha(static_cast<unsigned char>(suffix[0]))
                          ? absl::EndsWith(name, suffix)
                          : absl::EndsWithIgnoreCase(name, suffix);
    if (ends && name.size() > suffix.size()) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

// A column of the ends, `end` 0 or 1, or kNoColumn. neo4j writes :START_ID(Person).
template <typename Header>
size_t FindEnd(const Header& header, int end) {
  for (size_t i = 0; i < header.size(); ++i) {
    const absl::string_view field = header[i];
    const absl::string_view whole = field.substr(0, field.find('('));
    const absl::string_view name = EndName(whole);
    if (end == 0 ? IsOneOf(name, {"src", "source", "from", "u", "head"}) ||
                       IsOneOf(whole, {"start_id", ":START_ID"})
                 : IsOneOf(name, {"dst", "destination", "target", "to", "v", "tail"}) ||
                       IsOneOf(whole, {"end_id", ":END_ID"}))
      return i;
  }
  return kNoColumn;
}

bool AreMostlyNodes(absl::Span<const Fields> examples, size_t column, const NodeNames& nodes) {
  const auto hits = std::count_if(examples.begin(), examples.end(), [&](const Fields& fields) {
    return column < fields.size() && nodes.NodeOf(fields[column]) != NodeNames::kNone;
  });
  return 2 * static_cast<size_t>(hits) > examples.size();
}

// Whether it is a name of no end of an arc.
bool IsNoEnd(absl::string_view name) {
  return IsIndexName(name) ||
         IsOneOf(name, {"edge_id", "weight", "w", "time", "timestamp", "ts", "date"});
}

// Whether the first fields only ascend, in enough lines of three whole numbers or more: then they
// may number the lines.
bool MayNumberLines(absl::Span<const Fields> examples) {
  constexpr size_t kEnough = 20;
  int64_t number, other, before = -1;
  return examples.size() >= kEnough &&
         std::all_of(examples.begin(), examples.end(), [&](const Fields& fields) {
           if (fields.size() < 3 || !absl::SimpleAtoi(fields[0], &number) ||
               !absl::SimpleAtoi(fields[1], &other) || !absl::SimpleAtoi(fields[2], &other))
             return false;
           return std::exchange(before, number) < number;
         });
}

// 1, 2, 3, ...
bool AreRowNumbers(absl::Span<const Fields> examples) {
  int64_t number, next = 1;
  return std::all_of(examples.begin(), examples.end(), [&](const Fields& fields) {
    return fields.size() > 0 && absl::SimpleAtoi(fields[0], &number) && number == next++;
  });
}

}  // namespace

absl::StatusOr<EdgeColumns> EdgeColumns::Find(const std::string& path, const std::string& ends,
                                              absl::string_view comments) {
  EdgeColumns columns;
  columns.path_ = path;
  QH_ASSIGN_OR_RETURN(HeadLine first, ReadHeadLine(path, comments));
  QH_RETURN_IF_ERROR(CheckLineEnd(path, first.text, first.number));
  Arc arc;
  if (columns.Parse(first.text, &arc) == 0 && HasNoNumber(first.text)) {
    columns.header_ = first.number;
    QH_RETURN_IF_ERROR(columns.ReadHeader(first.text, ends));
    columns.NoteColumns();
    QH_ASSIGN_OR_RETURN(first, ReadHeadLine(path, comments, first.number + 1));
  } else if (!ends.empty()) {
    columns.num_fields_ = Fields(first.text, SeparatorOf(first.text)).size();
    QH_RETURN_IF_ERROR(columns.TakeEnds(ends, {}));
    columns.NoteColumns();
  }
  columns.num_fields_ = columns.Parse(first.text, &arc);
  if (columns.num_fields_ > kMostFields && columns.header_ < 0 && ends.empty())
    return LineError(path, first.number, first.text,
                     absl::StrCat("it has ", columns.num_fields_,
                                  " fields: an edge list has one arc a line, unlike a matrix or a "
                                  "list of neighbours; if it is one, --ends 1,2 says where"));
  if (ends.empty() && !columns.are_named_ && columns.ends_[0] == 0 && columns.num_fields_ > 2)
    QH_RETURN_IF_ERROR(columns.CheckNotNumbered(comments));
  return columns;
}

absl::Status EdgeColumns::CheckNotNumbered(absl::string_view comments) const {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path_));
  std::vector<std::string> names = {"1", "2", "3"};
  std::vector<Fields> examples;
  const auto keep = [&](absl::string_view line, int64_t number) {
    if (examples.size() >= kMostExamples || IsComment(line, comments) ||
        absl::StripAsciiWhitespace(line).empty())
      return absl::OkStatus();
    if (number < header_) return absl::OkStatus();
    Fields fields(line, header_ < 0 ? SeparatorOf(line) : separator_);
    if (number != header_) {
      examples.push_back(std::move(fields));
      return absl::OkStatus();
    }
    for (size_t i = 0; i < std::min(names.size(), fields.size()); ++i)
      names[i] = std::string(fields[i]);
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(ForEachLine(chunks->first(), keep));
  if (!MayNumberLines(examples)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path_, ": column ", names[0], " ascends through the first ", examples.size(),
                   " arcs: does it number them? --ends ", names[1], ",", names[2],
                   " takes the next two columns as the ends of arcs, --ends ", names[0], ",",
                   names[1], " these"));
}

bool EdgeColumns::IsRemark(absl::string_view line, const NodeNames& nodes) const {
  if (!IsComment(line, "#%") && !absl::StartsWithIgnoreCase(line, "sep=")) return false;
  const Fields fields(line, separator_ == kNoSeparator ? SeparatorOf(line) : separator_);
  return fields.size() == 0 || nodes.NodeOf(fields[0]) == NodeNames::kNone;
}

absl::StatusOr<EdgeColumns> EdgeColumns::FindNamed(const std::string& path, const std::string& ends,
                                                   const NodeNames& nodes) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  QH_RETURN_IF_ERROR(CheckIsText(chunks->first().text, path));
  QH_RETURN_IF_ERROR(CheckIsUtf8(chunks->first(), path));
  EdgeColumns columns;
  columns.path_ = path;
  std::vector<absl::string_view> lines;
  int64_t first_line = 0;
  const auto keep = [&](absl::string_view line, int64_t number) {
    if (lines.size() > kMostExamples || columns.IsRemark(line, nodes)) return absl::OkStatus();
    if (lines.empty()) {
      columns.separator_ = SeparatorOf(line);
      first_line = number;
    }
    lines.push_back(line);
    return absl::OkStatus();
  };
  columns.separator_ = kNoSeparator;
  QH_RETURN_IF_ERROR(ForEachLine(chunks->first(), keep));
  if (lines.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " has no arcs"));
  QH_RETURN_IF_ERROR(CheckLineEnd(path, lines[0], first_line));

  const Fields first(lines[0], columns.separator_);
  std::vector<std::string> header;
  if (first[0].empty() || std::none_of(first.begin(), first.end(), [&](absl::string_view field) {
        return IsNumber(field) || nodes.NodeOf(field) != NodeNames::kNone;
      })) {
    columns.header_ = first_line;
    for (const absl::string_view name : first) header.emplace_back(name);
  }
  std::vector<Fields> examples;
  for (size_t i = header.empty() ? 0 : 1; i < lines.size(); ++i)
    examples.emplace_back(lines[i], columns.separator_);
  if (examples.empty())
    return absl::InvalidArgumentError(absl::StrCat(path, " has no arcs below its header"));
  columns.num_fields_ = examples.front().size();
  if (!header.empty()) QH_RETURN_IF_ERROR(columns.ReadNamedHeader(examples, nodes, &header));

  const size_t source = FindEnd(header, 0), target = FindEnd(header, 1);
  if (!ends.empty()) {
    QH_RETURN_IF_ERROR(columns.TakeEnds(ends, header));
  } else if (source != kNoColumn && target != kNoColumn) {
    columns.ends_ = {source, target};
  } else if (columns.num_fields_ > 2) {
    QH_RETURN_IF_ERROR(columns.FindEnds(examples, header, nodes));
  }
  if (!header.empty() || columns.num_fields_ > 2) columns.NoteColumns();
  return columns;
}

absl::Status EdgeColumns::ReadNamedHeader(absl::Span<const Fields> examples, const NodeNames& nodes,
                                          std::vector<std::string>* header) const {
  const size_t num_names = header->size();
  CompleteHeader(examples, header);
  const bool is_first_nameless = num_names < header->size() && !header->back().empty();
  const bool may_be_an_end = AreMostlyNodes(examples, 0, nodes) && !AreRowNumbers(examples);
  if (header->size() == num_fields_ && !(is_first_nameless && may_be_an_end))
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path_, " line ", header_ + 1, " has ", num_names,
                                                 " names, and the first arc has ", num_fields_,
                                                 " fields: name every column"));
}

absl::Status EdgeColumns::TakeEnds(const std::string& ends, absl::Span<const std::string> header) {
  std::vector<size_t> found;
  for (const absl::string_view wanted : absl::StrSplit(ends, ',')) {
    const std::vector<size_t> columns = ColumnsNamed(header, num_fields_, wanted);
    found.insert(found.end(), columns.begin(), columns.end());
  }
  if (found.size() != 2 || found[0] == found[1])
    return absl::InvalidArgumentError(
        absl::StrCat("--ends is ", ends, "; two columns of ", path_, " are needed, SRC,DST, ",
                     header.empty() ? absl::StrCat("by numbers from 1 to ", num_fields_)
                                    : absl::StrCat("of ", absl::StrJoin(header, ", "))));
  ends_ = {found[0], found[1]};
  return absl::OkStatus();
}

absl::Status EdgeColumns::FindEnds(absl::Span<const Fields> examples,
                                   absl::Span<const std::string> header, const NodeNames& nodes) {
  std::vector<size_t> found;
  for (size_t column = 0; column < num_fields_; ++column) {
    const bool is_other = column < header.size() &&
                          (IsNoEnd(header[column]) || absl::EqualsIgnoreCase(header[column], "id"));
    if (!is_other && AreMostlyNodes(examples, column, nodes)) found.push_back(column);
  }
  if (found.size() > 2)
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": columns ", found[0] + 1, ", ", found[1] + 1, " and ", found[2] + 1,
                     " all hold names of nodes: say which are the ends of arcs, --ends SRC,DST"));
  if (found.size() == 2) ends_ = {found[0], found[1]};
  return absl::OkStatus();
}

absl::Status EdgeColumns::ReadHeader(absl::string_view line, const std::string& ends) {
  separator_ = SeparatorOf(line);
  const Fields header(line, separator_);
  if (!ends.empty()) return TakeEnds(ends, std::vector<std::string>(header.begin(), header.end()));
  const size_t source = FindEnd(header, 0), target = FindEnd(header, 1);
  if (source != kNoColumn && target != kNoColumn) {
    ends_ = {source, target};
    are_named_ = true;
  } else if ((source != kNoColumn && source != ends_[0]) ||
             (target != kNoColumn && target != ends_[1])) {
    return LineError(path_, header_, line,
                     "it names one end of an arc, but not the other: name both, src and dst");
  } else if (source == kNoColumn && target == kNoColumn) {
    std::vector<size_t> may_be_ends;
    for (size_t i = 0; i < header.size(); ++i)
      if (!IsNoEnd(header[i])) may_be_ends.push_back(i);
    if (may_be_ends.size() >= 2) ends_ = {may_be_ends[0], may_be_ends[1]};
  } else {
    are_named_ = true;  // one of them, at its place
  }
  return absl::OkStatus();
}

void EdgeColumns::NoteColumns() {
  note_ = absl::StrCat(header_ >= 0 ? absl::StrCat("line ", header_ + 1, " is a header: ") : "",
                       "sources are in column ", column(0), ", targets in column ", column(1));
}

// The number of fields; 0 if there are no two ids in them.
size_t EdgeColumns::Parse(absl::string_view line, Arc* arc) const {
  absl::string_view rest = absl::StripLeadingAsciiWhitespace(line);
  const bool quoted = rest.find('"') != absl::string_view::npos;
  if (ends_ != std::array<size_t, 2>{0, 1} || quoted) {
    const Fields fields(line, header_ < 0 ? SeparatorOf(line) : separator_);
    const bool taken = std::max(ends_[0], ends_[1]) < fields.size() &&
                       absl::SimpleAtoi(fields[ends_[0]], &arc->source) &&
                       absl::SimpleAtoi(fields[ends_[1]], &arc->target);
    return taken ? fields.size() : 0;
  }
  if (rest.empty() || rest[0] == ',' || rest[0] == ';' || rest[0] == '|')
    return 0;  // the first field is empty: what comes next is not the first
  if (!TakeInteger(&rest, &arc->source) || !TakeInteger(&rest, &arc->target)) return 0;
  return 2 + CountFields(rest);
}

absl::StatusOr<Arc> EdgeColumns::Take(absl::string_view line, int64_t number) const {
  Arc arc;
  const size_t num_fields = Parse(line, &arc);
  if (num_fields == 0)
    return LineError(path_, number, line,
                     "two node ids are needed, whole numbers below 2^63; if nodes have names, "
                     "--nodes gives the table of them");
  QH_RETURN_IF_ERROR(CheckLine(num_fields, line, number));
  if (arc.source < 0 || arc.target < 0)
    return LineError(path_, number, line, "node ids are at least 0: is it padding?");
  return arc;
}

absl::StatusOr<std::array<absl::string_view, 2>> EdgeColumns::TakeNames(absl::string_view line,
                                                                        int64_t number,
                                                                        Fields* fields) const {
  fields->Split(line, separator_);
  if (fields->size() <= std::max(ends_[0], ends_[1]))
    return LineError(path_, number, line, "the names of two nodes are needed");
  QH_RETURN_IF_ERROR(CheckLine(fields->size(), line, number));
  return std::array<absl::string_view, 2>{(*fields)[ends_[0]], (*fields)[ends_[1]]};
}

absl::Status EdgeColumns::CheckLine(size_t num_fields, absl::string_view line,
                                    int64_t number) const {
  if (num_fields == num_fields_) return CheckLineEnd(path_, line, number);
  return LineError(path_, number, line,
                   absl::StrCat("it has ", num_fields, " fields, the first edge has ", num_fields_,
                                ": every line is one arc"));
}

}  // namespace quadhop
