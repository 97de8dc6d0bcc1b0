// What stands in which column of a table of nodes.
//
// By a header, in any case; a type after a colon is not part of a name, except neo4j's :ID and
// :LABEL:
//   names     the column `id`, if that is given; else one with :ID; else id, node_id, node or nid;
//             else the only one that ends like an id (uid, user_id, userId, user ID); else name;
//             else the first, which need have no name
//   labels    the column `label`, if it is given; else label, labels, class or target, of which
//             there may be one; else y, if there is no x; else :LABEL
//   splits    the column split; else train_mask, val_mask (valid_mask) and test_mask, or train, val
//             (valid) and test, also with is_ before them
//   one_hot   those that are asked for as such, whatever stands in them
//   features  every other column of numbers, of true and false, or of lists of equal length, as
//             far as the first lines tell (table_values.h); but none that ends like an id, has a
//             name of labels or masks, is `left_out`, or has row numbers by its name. Those named
//             after the column of labels, as label_code, may tell the labels
// Without a header names are in the first column, or in column number `id`, and labels in column
// number `label`, or else in the last if it is not of numbers.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "partition/import/tables/table_header.h"
#include "partition/import/text/text_fields.h"

namespace quadhop {

// What the user says of columns, by names or, without a header, by numbers from 1.
struct ColumnsWanted {
  std::string id{};
  std::string label{};
  std::vector<std::string> left_out{};
  std::vector<std::string> one_hot{};
};

struct NodeColumns {
  struct Feature {
    size_t column;
    int64_t width;  // numbers in an entry
  };

  size_t names = 0;
  size_t labels = kNoColumn;
  size_t split = kNoColumn;
  std::array<size_t, 3> masks = {kNoColumn, kNoColumn, kNoColumn};  // train, valid, test
  std::vector<Feature> features;
  std::vector<size_t> named_as_labels;  // of the features
  std::vector<size_t> one_hot;
  std::vector<size_t> unused;
  std::vector<size_t> texts;  // of the unused: those that are not of numbers

  bool has_masks() const { return masks[0] != kNoColumn; }
};

// Whether the first line is a header: no field is a number; or the first is a name for row numbers
// or for names; or one ends like an id, is label, labels or class, or is wanted.
bool IsNodeHeader(const Fields& fields, const ColumnsWanted& wanted);

// `header` is empty if there is none. `widths`: how many numbers an entry of each column has, 0 if
// it is not of numbers; `are_masks`: whether all entries are true or false. kInvalidArgument for
// two columns of labels, label_0 and label_1 without one of labels, two of a name that is wanted,
// one that is wanted for two things, or wanted and left out, and masks of only one or two parts.
absl::StatusOr<NodeColumns> FindNodeColumns(absl::Span<const std::string> header,
                                            absl::Span<const int64_t> widths,
                                            const std::vector<bool>& are_masks,
                                            const ColumnsWanted& wanted);

}  // namespace quadhop
