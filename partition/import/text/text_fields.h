// The fields of a line of a table: edge lists, tables of nodes.
//
// They are separated by blanks, tabs, commas, semicolons or bars; blanks around a field are not
// part of it. As in CSV, a field in double quotes may hold separators, and two quotes for one.
#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

namespace quadhop {

// Which of ',', ';', '|' and '\t' the line has most of outside quotes, of several the first; a
// blank if it has none.
char SeparatorOf(absl::string_view line);

// The fields of one line after another. They are views of the line, or of this, until the next
// Split; a move keeps them. Not thread-safe.
class Fields {
 public:
  Fields() = default;
  Fields(absl::string_view line, char separator) { Split(line, separator); }
  Fields(Fields&&) = default;
  Fields& operator=(Fields&&) = default;

  // Several blanks count as one, and those at the ends as none; a tab at the end means an empty
  // field.
  void Split(absl::string_view line, char separator);

  size_t size() const { return fields_.size(); }
  absl::string_view operator[](size_t i) const { return fields_[i]; }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  void Add(absl::string_view field, bool quoted);
  std::vector<absl::string_view> fields_;
  std::deque<std::string> unescaped_;  // what some of the fields view
};

// A tab at the end means an empty field, and stays.
absl::string_view WithoutTrailingBlanks(absl::string_view line);

// Whether the text is one of the names, in any case.
bool IsOneOf(absl::string_view text, std::initializer_list<absl::string_view> names);

// In decimal: what is in hex, 0x1F, is a name.
bool IsNumber(absl::string_view field);

// Whether there is an x in it, which Abseil takes for the sign of a number in hex.
bool MayBeHex(absl::string_view field);

// Whether a header's field names a column of row numbers: no name, as pandas and R write it,
// "Unnamed: 0", or index.
bool IsIndexName(absl::string_view field);

}  // namespace quadhop
