// The fields of a line of a table: edge lists, tables of nodes.
//
// They are separated by blanks, tabs, commas, semicolons or bars; blanks around a field are not of
// it. A field in double quotes may hold separators; two quotes in it stay two.
#pragma once

#include <absl/strings/string_view.h>

#include <initializer_list>
#include <vector>

namespace quadhop {

using Fields = std::vector<absl::string_view>;

// The first of ',', ';', '|' and '\t' that the line has outside quotes, else a blank.
char SeparatorOf(absl::string_view line);

// Views of the line, without their quotes. Of blanks several count as one, and those at the ends as
// none; a tab at the end is that of an empty field.
void SplitFields(absl::string_view line, char separator, Fields* fields);
Fields FieldsOf(absl::string_view line, char separator);

// The first field that is one of these names, in any case, or kNoField.
constexpr auto kNoField = Fields::size_type(-1);
size_t FindField(const Fields& fields, std::initializer_list<absl::string_view> names);

bool IsNumber(absl::string_view field);

}  // namespace quadhop
