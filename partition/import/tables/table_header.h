// The first lines of a table, by which its columns are known.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstddef>
#include <string>
#include <vector>

#include "partition/import/text/text_fields.h"

namespace quadhop {

constexpr size_t kMostExamples = 1000;  // lines that are looked at
constexpr auto kNoColumn = static_cast<size_t>(-1);

// The name without a type, as in neo4j's age:int; one that begins with a colon stays whole.
absl::string_view WithoutType(absl::string_view name);

// The columns whose name passes the test.
template <typename Test>
std::vector<size_t> ColumnsThat(absl::Span<const std::string> header, const Test& test) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < header.size(); ++i)
    if (test(header[i])) columns.push_back(i);
  return columns;
}

// The columns of this name: those in its case, else in any case, else without their types; or, for
// a table without a header, the one of this number, from 1.
std::vector<size_t> ColumnsNamed(absl::Span<const std::string> header, size_t num_columns,
                                 absl::string_view wanted);

// If every example has one field more than the header, adds a column without a name: the last if
// nothing stands in it, else the first, as R's write.table leaves it.
void CompleteHeader(absl::Span<const Fields> examples, std::vector<std::string>* header);

}  // namespace quadhop
