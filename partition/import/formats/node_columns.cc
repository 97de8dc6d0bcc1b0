#include "partition/import/formats/node_columns.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <initializer_list>

#include "core/status.h"

namespace quadhop {
namespace {

// Without a type, as neo4j's age:int.
absl::string_view WithoutType(absl::string_view name) {
  const size_t colon = name.find(':');
  return colon == 0 ? name : name.substr(0, colon);
}

bool IsNeo4jId(absl::string_view name) { return absl::StrContains(name, ":ID"); }

// id, user_id, user id, userId, userID, :ID.
bool EndsAsId(absl::string_view name) {
  if (IsNeo4jId(name)) return true;
  name = WithoutType(name);
  if (name.size() == 2) return absl::EqualsIgnoreCase(name, "id");
  if (absl::EndsWithIgnoreCase(name, "_id") || absl::EndsWithIgnoreCase(name, " id")) return true;
  if (!absl::EndsWith(name, "Id") && !absl::EndsWith(name, "ID")) return false;
  return name.size() > 2 && absl::ascii_islower(static_cast<unsigned char>(name[name.size() - 3]));
}

bool IsLabelName(absl::string_view name) {
  return IsOneOf(WithoutType(name), {"label", "labels", "class", "target", ":LABEL"});
}

bool IsSplitName(absl::string_view name) {
  return IsOneOf(WithoutType(name), {"split", "train_mask", "val_mask", "valid_mask", "test_mask"});
}

// The first column of the first of these names that there is.
size_t FindOf(absl::Span<const std::string> header, std::initializer_list<const char*> names) {
  for (const char* name : names)
    for (size_t i = 0; i < header.size(); ++i)
      if (absl::EqualsIgnoreCase(WithoutType(header[i]), name)) return i;
  return kNoColumn;
}

template <typename Test>
std::vector<size_t> ColumnsThat(absl::Span<const std::string> header, const Test& test) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < header.size(); ++i)
    if (test(header[i])) columns.push_back(i);
  return columns;
}

size_t FindNames(absl::Span<const std::string> header) {
  if (const auto ids = ColumnsThat(header, IsNeo4jId); !ids.empty()) return ids.front();
  if (const size_t id = FindOf(header, {"id", "node_id", "node", "nid"}); id != kNoColumn)
    return id;
  if (const auto ids = ColumnsThat(header, EndsAsId); ids.size() == 1) return ids.front();
  const size_t name = FindOf(header, {"name"});
  return name == kNoColumn ? 0 : name;
}

absl::StatusOr<size_t> FindLabels(absl::Span<const std::string> header) {
  const auto labels = ColumnsThat(header, [](absl::string_view name) {
    return IsLabelName(name) && !absl::StartsWith(name, ":");
  });
  if (labels.size() > 1)
    return absl::InvalidArgumentError(
        absl::StrCat(header[labels[0]], " and ", header[labels[1]],
                     " may both be the column of labels: name it, --label COLUMN"));
  return labels.empty() ? FindOf(header, {"y", ":LABEL"}) : labels.front();
}

absl::Status FindSplit(absl::Span<const std::string> header, NodeColumns* columns) {
  columns->split = FindOf(header, {"split"});
  if (columns->split != kNoColumn) return absl::OkStatus();
  columns->masks = {FindOf(header, {"train_mask"}), FindOf(header, {"val_mask", "valid_mask"}),
                    FindOf(header, {"test_mask"})};
  const auto found = std::count_if(columns->masks.begin(), columns->masks.end(),
                                   [](size_t mask) { return mask != kNoColumn; });
  if (found == 0 || found == 3) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a split is the columns train_mask, val_mask and test_mask, all three, or a column split; "
      "--leave-out passes over those that are no such");
}

}  // namespace

bool IsNodeHeader(const Fields& fields, const ColumnsWanted& wanted) {
  const auto is_name = [&](absl::string_view field) {
    return EndsAsId(field) || IsOneOf(field, {"label", "labels", "class"}) ||
           (!IsNumber(field) && !field.empty() && IsOneOf(field, {wanted.id, wanted.label}));
  };
  return std::none_of(fields.begin(), fields.end(), IsNumber) || IsIndexName(fields[0]) ||
         std::any_of(fields.begin(), fields.end(), is_name);
}

size_t FindColumn(absl::Span<const std::string> header, size_t num_columns,
                  absl::string_view wanted) {
  if (wanted.empty()) return kNoColumn;
  for (size_t i = 0; i < header.size(); ++i)
    if (absl::EqualsIgnoreCase(header[i], wanted) ||
        absl::EqualsIgnoreCase(WithoutType(header[i]), wanted))
      return i;
  size_t number;
  if (header.empty() && absl::SimpleAtoi(wanted, &number) && number >= 1 && number <= num_columns)
    return number - 1;
  return kNoColumn;
}

absl::StatusOr<NodeColumns> FindNodeColumns(absl::Span<const std::string> header,
                                            absl::Span<const int64_t> widths,
                                            const ColumnsWanted& wanted) {
  const size_t num_columns = widths.size();
  std::vector<bool> is_left_out(num_columns);
  std::vector<std::string> names(header.begin(), header.end());  // of those that are not
  for (const std::string& name : wanted.left_out) {
    const size_t column = FindColumn(header, num_columns, name);
    if (column == kNoColumn) continue;  // of another table
    is_left_out[column] = true;
    if (!names.empty()) names[column].clear();
  }

  NodeColumns columns;
  columns.names = FindColumn(names, num_columns, wanted.id);
  if (columns.names == kNoColumn) columns.names = FindNames(names);
  columns.labels = FindColumn(names, num_columns, wanted.label);
  if (wanted.label.empty()) {
    QH_ASSIGN_OR_RETURN(columns.labels, FindLabels(names));
    const bool last_is_text = num_columns > 1 && widths.back() == 0 && !is_left_out.back();
    if (header.empty() && last_is_text) columns.labels = num_columns - 1;
  }
  QH_RETURN_IF_ERROR(FindSplit(names, &columns));

  for (size_t i = 0; i < num_columns; ++i) {
    if (i == columns.names || i == columns.labels || i == columns.split ||
        std::find(columns.masks.begin(), columns.masks.end(), i) != columns.masks.end())
      continue;
    const bool is_other =
        !names.empty() && (EndsAsId(names[i]) || IsLabelName(names[i]) || IsSplitName(names[i]) ||
                           (i == 0 && IsIndexName(names[i])));
    if (widths[i] == 0 || is_other || is_left_out[i])
      columns.unused.push_back(i);
    else
      columns.features.push_back({i, widths[i]});
  }
  return columns;
}

}  // namespace quadhop
