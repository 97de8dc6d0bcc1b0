#include "partition/import/text/csv.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <vector>

#include "partition/import/text/text_encoding.h"

namespace quadhop {
namespace {

const char* SkipSpaces(const char* p) {
  while (*p == ' ' || *p == '\t') ++p;
  return p;
}

// std::from_chars leaves the value alone when it is too large or too small, and does not say which;
// strtod does.
template <typename T>
T ValueOutOfRange(const char* begin, const char* end) {
  return static_cast<T>(std::strtod(std::string(begin, end).c_str(), nullptr));
}

// Parses the field at p, up to what ends it, exclusive; nullptr if it is no number. The text ends
// in '\n' before `end`.
template <typename T>
inline const char* ParseField(const char* p, const char* end, T* out) {
  // Most fields of sparse features and multi-label targets are one digit.
  if (p[0] >= '0' && p[0] <= '9' && (p[1] == ',' || p[1] == '\n')) {
    *out = static_cast<T>(p[0] - '0');
    return p + 1;
  }
  p = SkipSpaces(p);
  if constexpr (std::is_floating_point_v<T>) {
    if (p[0] == '"' && p[1] == '"') p += 2;
    if (*p == ',' || *p == '\n' || *p == '\r') {
      *out = std::numeric_limits<T>::quiet_NaN();
      return p;
    }
  }
  const auto [next, code] = std::from_chars(p, end, *out);
  if (code == std::errc::invalid_argument) return nullptr;
  if (code == std::errc::result_out_of_range) {
    if constexpr (std::is_floating_point_v<T>) {
      *out = ValueOutOfRange<T>(p, next);
    } else {
      return nullptr;
    }
  }
  return SkipSpaces(next);
}

// Parses one line and goes past its '\n'; nullptr if it is not num_columns numbers.
template <typename T>
inline const char* ParseLine(const char* p, const char* end, int64_t num_columns, T* out) {
  if (*p == '\n' || *p == '\r') return nullptr;  // blank: not one empty field
  for (int64_t column = 0; column < num_columns; ++column) {
    p = ParseField(p, end, out + column);
    if (p == nullptr) return nullptr;
    if (column + 1 < num_columns) {
      if (*p != ',') return nullptr;
    } else {
      if (*p == '\r') ++p;
      if (*p != '\n') return nullptr;
    }
    ++p;
  }
  return p;
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Shown(text), "\""); }

// Says what is wrong with a line that ParseLine refused.
template <typename T>
absl::Status LineError(absl::string_view path, int64_t line, absl::string_view text,
                       int64_t num_columns) {
  text = absl::StripTrailingAsciiWhitespace(text);
  if (text.empty())
    return absl::InvalidArgumentError(absl::StrCat(
        path, " line ", line, " is blank; every line stands for one row: remove or fill it"));
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ',');
  const int64_t found = static_cast<int64_t>(fields.size());
  for (int64_t column = 0; column < std::min(found, num_columns); ++column) {
    const absl::string_view field = fields[static_cast<size_t>(column)];
    const std::string ended = absl::StrCat(field, "\n");
    T value;
    const char* next = ParseField(ended.data(), ended.data() + ended.size(), &value);
    if (next == nullptr || *next != '\n')
      return absl::InvalidArgumentError(
          absl::StrCat(CsvPlace(path, line, column + 1), " is ", Quoted(field), ", which is not ",
                       std::is_integral_v<T> ? "a whole number of 64 bits" : "a number"));
  }
  return absl::InvalidArgumentError(absl::StrCat(path, " line ", line, " has ", found,
                                                 " columns where ", num_columns,
                                                 " are expected: ", Quoted(text)));
}

}  // namespace

std::string CsvPlace(absl::string_view path, int64_t line, int64_t column) {
  return absl::StrCat(path, " line ", line, " column ", column);
}

int64_t CountColumns(absl::string_view line) {
  return 1 + std::count(line.begin(), line.end(), ',');
}

template <typename T>
absl::Status ParseCsvChunk(const std::string& path, const TextChunk& chunk, int64_t num_columns,
                           T* out) {
  const char* p = chunk.text.data();
  const char* const end = p + chunk.text.size();
  for (int64_t line = 0; line < chunk.num_lines; ++line) {
    const char* next = ParseLine(p, end, num_columns, out + line * num_columns);
    if (next == nullptr) {
      const absl::string_view rest(p, static_cast<size_t>(end - p));
      return LineError<T>(path, chunk.first_line + line + 1, rest.substr(0, rest.find('\n')),
                          num_columns);
    }
    p = next;
  }
  return absl::OkStatus();
}

template absl::Status ParseCsvChunk(const std::string&, const TextChunk&, int64_t, int64_t*);
template absl::Status ParseCsvChunk(const std::string&, const TextChunk&, int64_t, float*);
template absl::Status ParseCsvChunk(const std::string&, const TextChunk&, int64_t, double*);

}  // namespace quadhop
