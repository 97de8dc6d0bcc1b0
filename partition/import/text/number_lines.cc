#include "partition/import/text/number_lines.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <charconv>

#include "partition/import/text/text_encoding.h"
#include "partition/import/text/text_source.h"

namespace quadhop {
namespace {

constexpr size_t kHeadBytes = size_t{1} << 20;

bool IsSeparator(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '|' || c == '\r';
}

}  // namespace

bool TakeInteger(absl::string_view* line, int64_t* value) {
  const char* p = line->data();
  const char* const end = p + line->size();
  while (p != end && IsSeparator(*p)) ++p;
  const auto [next, code] = std::from_chars(p, end, *value);
  const bool taken = code == std::errc() && (next == end || IsSeparator(*next));
  line->remove_prefix(static_cast<size_t>((taken ? next : p) - line->data()));
  return taken;
}

bool IsComment(absl::string_view line, absl::string_view comments) {
  return line.find_first_not_of(" \t\r") == absl::string_view::npos ||
         comments.find(line[0]) != absl::string_view::npos;
}

absl::StatusOr<HeadLine> ReadHeadLine(const std::string& path, absl::string_view comments,
                                      int64_t from) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenText(path));
  std::string head(kHeadBytes, '\0');
  QH_ASSIGN_OR_RETURN(const int64_t count, source->Read(absl::MakeSpan(head.data(), kHeadBytes)));
  head.resize(static_cast<size_t>(count));
  QH_RETURN_IF_ERROR(CheckIsText(head, path));
  HeadLine line;
  for (size_t at = 0; at < head.size(); ++line.number) {
    const size_t end = std::min(head.find('\n', at), head.size());
    line.text = head.substr(at, end - at);
    if (!line.text.empty() && line.text.back() == '\r') line.text.pop_back();
    if (line.number >= from && !IsComment(line.text, comments)) return line;
    at = end + 1;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path, " has nothing but blank lines and comments in its first ", kHeadBytes >> 20, " MB"));
}

absl::Status CheckLineEnd(absl::string_view path, absl::string_view line, int64_t line_from_0) {
  const size_t lone = line.find('\r');
  if (lone == absl::string_view::npos || lone + 1 == line.size()) return absl::OkStatus();
  return LineError(path, line_from_0, line,
                   "a carriage return stands in it: if lines end in these alone, "
                   "tr '\\r' '\\n' converts them");
}

absl::Status LineError(absl::string_view path, int64_t line_from_0, absl::string_view got,
                       absl::string_view allowed) {
  absl::ConsumeSuffix(&got, "\r");  // of the line's end
  return absl::InvalidArgumentError(
      absl::StrCat(path, " line ", line_from_0 + 1, " is \"", Shown(got), "\"; ", allowed));
}

}  // namespace quadhop
