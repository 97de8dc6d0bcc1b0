#include "partition/import/tables/node_columns.h"

#include <absl/algorithm/container.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <initializer_list>

#include "core/base/status.h"

namespace quadhop {
namespace {

bool IsNeo4jId(absl::string_view name) { return absl::StrContains(name, ":ID"); }

// id, uid, user_id, user id, userId, userID, :ID.
bool EndsAsId(absl::string_view name) {
  if (IsNeo4jId(name)) return true;
  name = WithoutType(name);
  if (IsOneOf(name, {"id", "uid"})) return true;
  if (absl::EndsWithIgnoreCase(name, "_id") || absl::EndsWithIgnoreCase(name, " id")) return true;
  if (!absl::EndsWith(name, "Id") && !absl::EndsWith(name, "ID")) return false;
  return name.size() > 2 && absl::ascii_islower(static_cast<unsigned char>(name[name.size() - 3]));
}

bool IsLabelName(absl::string_view name) {
  return IsOneOf(WithoutType(name), {"label", "labels", "class", "target", ":LABEL"});
}

// label_0, label0, class 12.
bool IsNumberedLabel(absl::string_view name) {
  name = WithoutType(name);
  const size_t digits = name.find_last_not_of("0123456789") + 1;
  if (digits == 0 || digits == name.size()) return false;
  name = name.substr(0, digits);
  return IsLabelName(name.substr(0, name.find_last_not_of("_-. ") + 1));
}

// label_code, beside a column label.
bool IsNamedAfter(absl::string_view name, absl::string_view labels) {
  return !labels.empty() && name.size() > labels.size() &&
         absl::StartsWithIgnoreCase(name, labels) &&
         !absl::ascii_isalpha(static_cast<unsigned char>(name[labels.size()]));
}

bool IsMaskName(absl::string_view name) {
  return IsOneOf(WithoutType(name), {"split", "train_mask", "val_mask", "valid_mask", "test_mask",
                                     "is_train", "is_val", "is_valid", "is_test"});
}

// The first column with the first of these names that occurs.
size_t FindOf(absl::Span<const std::string> header, std::initializer_list<const char*> names) {
  for (const char* name : names)
    for (size_t i = 0; i < header.size(); ++i)
      if (absl::EqualsIgnoreCase(WithoutType(header[i]), name)) return i;
  return kNoColumn;
}

size_t FindNames(absl::Span<const std::string> header) {
  if (const auto ids = ColumnsThat(header, IsNeo4jId); !ids.empty()) return ids.front();
  if (const size_t id = FindOf(header, {"id", "node_id", "node", "nid"}); id != kNoColumn)
    return id;
  if (const auto ids = ColumnsThat(header, EndsAsId); ids.size() == 1) return ids.front();
  return FindOf(header, {"name"});
}

absl::StatusOr<size_t> FindLabels(absl::Span<const std::string> header) {
  const auto labels = ColumnsThat(header, [](absl::string_view name) {
    return IsLabelName(name) && !absl::StartsWith(name, ":");
  });
  if (labels.size() > 1)
    return absl::InvalidArgumentError(
        absl::StrCat(header[labels[0]], " and ", header[labels[1]],
                     " may both be the column of labels: name it, --label COLUMN"));
  if (!labels.empty()) return labels.front();
  const bool are_coordinates = FindOf(header, {"x"}) != kNoColumn;
  return are_coordinates ? FindOf(header, {":LABEL"}) : FindOf(header, {"y", ":LABEL"});
}

// Checks that no columns of numbers look like the 0 and 1 of several labels a node.
absl::Status CheckNoSeveralLabels(absl::Span<const std::string> header,
                                  absl::Span<const int64_t> widths) {
  std::vector<size_t> found = ColumnsThat(header, IsNumberedLabel);
  std::erase_if(found, [&](size_t column) { return widths[column] == 0; });
  if (found.size() < 2) return absl::OkStatus();
  const std::string &first = header[found.front()], &last = header[found.back()];
  return absl::InvalidArgumentError(absl::StrCat(
      first, " to ", last,
      " look like several labels a node, and there is no column of labels: "
      "several are given as an array [N, L] of 0 and 1, --labels Y.npy, and one as --label COLUMN; "
      "--leave-out ",
      first, " and so on for the others, or rename them if they are features"));
}

absl::Status FindSplit(absl::Span<const std::string> header, const std::vector<bool>& are_masks,
                       NodeColumns* columns) {
  columns->split = FindOf(header, {"split"});
  if (columns->split != kNoColumn) return absl::OkStatus();
  const auto count = [](const std::array<size_t, 3>& masks) {
    return masks.size() - static_cast<size_t>(std::count(masks.begin(), masks.end(), kNoColumn));
  };
  columns->masks = {FindOf(header, {"train_mask"}), FindOf(header, {"val_mask", "valid_mask"}),
                    FindOf(header, {"test_mask"})};
  if (count(columns->masks) == 0) {
    // One or two of them may be anything, but for train and another, or those that look like masks.
    const std::array<size_t, 3> masks = {FindOf(header, {"train", "is_train"}),
                                         FindOf(header, {"val", "valid", "is_val", "is_valid"}),
                                         FindOf(header, {"test", "is_test"})};
    const bool look_like_masks = std::all_of(masks.begin(), masks.end(), [&](size_t mask) {
      return mask == kNoColumn || are_masks[mask];
    });
    if (look_like_masks || (count(masks) >= 2 && masks[0] != kNoColumn)) columns->masks = masks;
  }
  if (count(columns->masks) == 0 || count(columns->masks) == 3) return absl::OkStatus();
  std::vector<std::string> found;
  for (const size_t mask : columns->masks)
    if (mask != kNoColumn) found.push_back(header[mask]);
  return absl::InvalidArgumentError(absl::StrCat(
      "a split is the columns train_mask, val_mask and test_mask, or train, val and test, all "
      "three, or a column split; there is only ",
      absl::StrJoin(found, " and "), ": --leave-out ", absl::StrJoin(found, " --leave-out "),
      " skips what is none of these, and a feature needs another name"));
}

// The one column with a wanted name; kNoColumn if this table has none.
absl::StatusOr<size_t> TheColumn(absl::Span<const std::string> header, size_t num_columns,
                                 absl::string_view flag, const std::string& wanted) {
  const std::vector<size_t> found = ColumnsNamed(header, num_columns, wanted);
  if (found.size() > 1)
    return absl::InvalidArgumentError(absl::StrCat(flag, " ", wanted, " are columns ", found[0] + 1,
                                                   " and ", found[1] + 1,
                                                   ": give them names that differ"));
  return found.empty() ? kNoColumn : found.front();
}

// After all others but features.
absl::Status FindOneHot(absl::Span<const std::string> header, size_t num_columns,
                        const ColumnsWanted& wanted, NodeColumns* columns) {
  for (const std::string& name : wanted.one_hot) {
    QH_ASSIGN_OR_RETURN(const size_t column, TheColumn(header, num_columns, "--one-hot", name));
    if (column == kNoColumn) continue;
    if (column == columns->names || column == columns->labels || column == columns->split ||
        absl::c_linear_search(columns->masks, column))
      return absl::InvalidArgumentError(
          absl::StrCat("--one-hot ", name, " is the column of ",
                       column == columns->names    ? "names; --id can name another"
                       : column == columns->labels ? "labels; --label can name another"
                                                   : "a split"));
    if (!absl::c_linear_search(columns->one_hot, column)) columns->one_hot.push_back(column);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsNodeHeader(const Fields& fields, const ColumnsWanted& wanted) {
  const auto is_name = [&](absl::string_view field) {
    return EndsAsId(field) || IsOneOf(field, {"label", "labels", "class"}) ||
           (!IsNumber(field) && !field.empty() && IsOneOf(field, {wanted.id, wanted.label}));
  };
  return std::none_of(fields.begin(), fields.end(), IsNumber) || IsIndexName(fields[0]) ||
         IsOneOf(fields[0], {"node", "nid", "name"}) ||
         std::any_of(fields.begin(), fields.end(), is_name);
}

absl::StatusOr<NodeColumns> FindNodeColumns(absl::Span<const std::string> header,
                                            absl::Span<const int64_t> widths,
                                            const std::vector<bool>& are_masks,
                                            const ColumnsWanted& wanted) {
  const size_t num_columns = widths.size();
  std::vector<bool> is_left_out(num_columns);
  std::vector<std::string> names(header.begin(), header.end());  // "" if left out
  for (const std::string& name : wanted.left_out)
    for (const size_t column : ColumnsNamed(header, num_columns, name)) {
      is_left_out[column] = true;
      if (!names.empty()) names[column].clear();
    }

  std::vector<std::string> used = wanted.one_hot;
  used.insert(used.end(), {wanted.id, wanted.label});
  for (const std::string& column : used)
    for (const size_t found : ColumnsNamed(header, num_columns, column))
      if (is_left_out[found])
        return absl::InvalidArgumentError(
            absl::StrCat(column, " is to be left out, --leave-out, and to be used"));

  NodeColumns columns;
  QH_ASSIGN_OR_RETURN(columns.names, TheColumn(names, num_columns, "--id", wanted.id));
  if (columns.names == kNoColumn) columns.names = FindNames(names);
  if (columns.names == kNoColumn)
    columns.names = static_cast<size_t>(std::find(is_left_out.begin(), is_left_out.end(), false) -
                                        is_left_out.begin());
  if (columns.names == num_columns)
    return absl::InvalidArgumentError("all columns are to be left out: none is left for names");
  QH_ASSIGN_OR_RETURN(columns.labels, TheColumn(names, num_columns, "--label", wanted.label));
  if (wanted.label.empty()) {
    QH_ASSIGN_OR_RETURN(columns.labels, FindLabels(names));
    const size_t last = num_columns - 1;
    if (header.empty() && widths[last] == 0 && !is_left_out[last] && last != columns.names)
      columns.labels = last;
  }
  if (columns.labels == kNoColumn && wanted.label.empty())
    QH_RETURN_IF_ERROR(CheckNoSeveralLabels(names, widths));
  QH_RETURN_IF_ERROR(FindSplit(names, are_masks, &columns));

  QH_RETURN_IF_ERROR(FindOneHot(names, num_columns, wanted, &columns));

  for (size_t i = 0; i < num_columns; ++i) {
    if (i == columns.names || i == columns.labels || i == columns.split ||
        absl::c_linear_search(columns.masks, i) || absl::c_linear_search(columns.one_hot, i))
      continue;
    const bool is_other =
        !names.empty() && (EndsAsId(names[i]) || IsLabelName(names[i]) || IsMaskName(names[i]) ||
                           (IsIndexName(names[i]) && (i == 0 || !names[i].empty())));
    if (widths[i] == 0 || is_other || is_left_out[i]) {
      columns.unused.push_back(i);
      if (!is_other && !is_left_out[i]) columns.texts.push_back(i);
      continue;
    }
    columns.features.push_back({i, widths[i]});
    if (!names.empty() && columns.labels != kNoColumn &&
        IsNamedAfter(names[i], names[columns.labels]))
      columns.named_as_labels.push_back(i);
  }
  return columns;
}

}  // namespace quadhop
