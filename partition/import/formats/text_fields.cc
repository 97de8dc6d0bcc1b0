#include "partition/import/formats/text_fields.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include <algorithm>

namespace quadhop {
namespace {

constexpr absl::string_view kSeparators = ",;|\t";

// A tab may be that of an empty field.
absl::string_view WithoutTrailingBlanks(absl::string_view line) {
  return line.substr(0, line.find_last_not_of(" \r\n") + 1);
}

// Of a field that begins with a quote, what is after the quote that closes it: the first one before
// a separator or the end. Without such a one the quote is part of a text.
size_t EndOfQuoted(absl::string_view line, size_t begin, char separator) {
  for (size_t at = line.find('"', begin + 1); at != absl::string_view::npos;
       at = line.find('"', at + 1)) {
    const size_t next = line.find_first_not_of(separator == '\t' ? " " : " \t", at + 1);
    if (next == absl::string_view::npos || line[next] == separator) return at + 1;
    if (separator == ' ' && next > at + 1) return at + 1;
  }
  return begin;
}

absl::string_view WithoutQuotes(absl::string_view field) {
  field = absl::StripAsciiWhitespace(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
    field = field.substr(1, field.size() - 2);
  return field;
}

}  // namespace

char SeparatorOf(absl::string_view line) {
  char first_of_all = ' ';
  auto rank = absl::string_view::npos;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    const size_t at = quoted ? absl::string_view::npos : kSeparators.find(c);
    if (at >= rank) continue;
    rank = at;
    first_of_all = c;
  }
  return first_of_all;
}

void SplitFields(absl::string_view line, char separator, Fields* fields) {
  fields->clear();
  line = WithoutTrailingBlanks(line);
  for (size_t begin = 0;;) {
    const size_t first = std::min(line.find_first_not_of(' ', begin), line.size());
    if (separator == ' ' && first == line.size()) return;
    const bool quoted = first < line.size() && line[first] == '"';
    const size_t from = quoted ? EndOfQuoted(line, first, separator) : first;
    const size_t end = std::min(line.find(separator, from), line.size());
    fields->push_back(WithoutQuotes(line.substr(first, end - first)));
    if (end == line.size()) return;
    begin = end + 1;
  }
}

Fields FieldsOf(absl::string_view line, char separator) {
  Fields fields;
  SplitFields(line, separator, &fields);
  return fields;
}

size_t FindField(const Fields& fields, std::initializer_list<absl::string_view> names) {
  for (size_t i = 0; i < fields.size(); ++i)
    for (const absl::string_view name : names)
      if (absl::EqualsIgnoreCase(fields[i], name)) return i;
  return kNoField;
}

bool IsNumber(absl::string_view field) {
  double value;
  return absl::SimpleAtod(field, &value);
}

}  // namespace quadhop
