#include "partition/import/text/text_fields.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_replace.h>

#include <algorithm>

namespace quadhop {
namespace {

constexpr absl::string_view kSeparators = ",;|\t";

// The quote that closes a field which begins with one, or npos: then it is part of a text.
size_t ClosingQuote(absl::string_view line, size_t begin, char separator) {
  for (size_t at = line.find('"', begin + 1); at != absl::string_view::npos;
       at = line.find('"', at + 1)) {
    if (at + 1 < line.size() && line[at + 1] == '"') {
      ++at;
      continue;
    }
    const size_t next = line.find_first_not_of(' ', at + 1);
    const bool ends = next == absl::string_view::npos || line[next] == separator;
    return ends || (separator == ' ' && next > at + 1) ? at : absl::string_view::npos;
  }
  return absl::string_view::npos;
}

}  // namespace

absl::string_view WithoutTrailingBlanks(absl::string_view line) {
  return line.substr(0, line.find_last_not_of(" \r\n") + 1);
}

char SeparatorOf(absl::string_view line) {
  size_t counts[kSeparators.size()] = {};
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    const size_t which = kSeparators.find(c);
    if (!quoted && which != absl::string_view::npos) ++counts[which];
  }
  const size_t* const most = std::max_element(std::begin(counts), std::end(counts));
  return *most == 0 ? ' ' : kSeparators[static_cast<size_t>(most - counts)];
}

void Fields::Split(absl::string_view line, char separator) {
  fields_.clear();
  unescaped_.clear();
  line = WithoutTrailingBlanks(line);
  for (size_t begin = 0;;) {
    const size_t first = std::min(line.find_first_not_of(' ', begin), line.size());
    if (separator == ' ' && first == line.size()) return;
    const size_t quote = first < line.size() && line[first] == '"'
                             ? ClosingQuote(line, first, separator)
                             : absl::string_view::npos;
    const bool quoted = quote != absl::string_view::npos;
    const size_t end = std::min(line.find(separator, quoted ? quote : first), line.size());
    if (quoted)
      Add(line.substr(first + 1, quote - first - 1), true);
    else
      Add(absl::StripAsciiWhitespace(line.substr(first, end - first)), false);
    if (end == line.size()) return;
    begin = end + 1;
  }
}

void Fields::Add(absl::string_view field, bool quoted) {
  if (quoted && field.find('"') != absl::string_view::npos)
    field = unescaped_.emplace_back(absl::StrReplaceAll(field, {{"\"\"", "\""}}));
  fields_.push_back(field);
}

bool IsOneOf(absl::string_view text, std::initializer_list<absl::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](absl::string_view name) { return absl::EqualsIgnoreCase(text, name); });
}

bool IsNumber(absl::string_view field) {
  double value;
  return !MayBeHex(field) && absl::SimpleAtod(field, &value);
}

bool MayBeHex(absl::string_view field) {
  return field.find_first_of("xX") != absl::string_view::npos;
}

bool IsIndexName(absl::string_view field) {
  return field.empty() || absl::StartsWithIgnoreCase(field, "unnamed:") ||
         absl::EqualsIgnoreCase(field, "index");
}

}  // namespace quadhop
