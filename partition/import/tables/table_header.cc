#include "partition/import/tables/table_header.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include <algorithm>

namespace quadhop {

absl::string_view WithoutType(absl::string_view name) {
  const size_t colon = name.find(':');
  return colon == 0 ? name : name.substr(0, colon);
}

std::vector<size_t> ColumnsNamed(absl::Span<const std::string> header, size_t num_columns,
                                 absl::string_view wanted) {
  if (wanted.empty()) return {};
  size_t number;
  if (header.empty() && absl::SimpleAtoi(wanted, &number) && number >= 1 && number <= num_columns)
    return {number - 1};
  auto found = ColumnsThat(header, [&](absl::string_view name) { return name == wanted; });
  if (found.empty())
    found = ColumnsThat(
        header, [&](absl::string_view name) { return absl::EqualsIgnoreCase(name, wanted); });
  if (found.empty())
    found = ColumnsThat(header, [&](absl::string_view name) {
      return absl::EqualsIgnoreCase(WithoutType(name), wanted);
    });
  return found;
}

void CompleteHeader(absl::Span<const Fields> examples, std::vector<std::string>* header) {
  if (header->empty() || examples.empty()) return;
  const size_t longer = header->size() + 1;
  if (std::any_of(examples.begin(), examples.end(),
                  [&](const Fields& fields) { return fields.size() != longer; }))
    return;
  const bool ends_are_empty =
      std::all_of(examples.begin(), examples.end(),
                  [&](const Fields& fields) { return fields[longer - 1].empty(); });
  header->insert(ends_are_empty ? header->end() : header->begin(), "");
}

}  // namespace quadhop
