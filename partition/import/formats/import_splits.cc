#include "partition/import/formats/import_splits.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"
#include "partition/import/formats/note_unused.h"

namespace quadhop {
namespace {

// Splits over nodes: `num_splits` rows, or columns, of one value per node.
absl::StatusOr<TableShape> NodesOfSplits(const ArraySource& source, int64_t num_nodes) {
  const std::vector<int64_t>& dims = source.dims();
  if (dims.size() == 1 && dims[0] == num_nodes) return TableShape{1, num_nodes, false};
  // As (split, node); rows of a file [N, S] are the columns of this.
  if (dims.size() == 2 && dims[1] == num_nodes && dims[0] <= 1000)
    return TableShape{dims[0], num_nodes, source.fortran_order()};
  if (dims.size() == 2 && dims[0] == num_nodes && dims[1] <= 1000)
    return TableShape{dims[1], num_nodes, !source.fortran_order()};
  return WrongDims(source, absl::StrCat("[", num_nodes, "] or [splits, ", num_nodes,
                                        "], at most 1000 splits, is needed"));
}

void AddSplits(std::vector<std::vector<uint8_t>> splits, ImportTarget& target) {
  for (size_t i = 0; i < splits.size(); ++i)
    target.AddSplit(splits.size() == 1 ? "split" : absl::StrCat("split", i), std::move(splits[i]));
}

// Whether the rows are no splits, but masks: several without a node to validate or to test on.
bool AreMasks(const std::vector<std::vector<uint8_t>>& splits) {
  return splits.size() > 1 &&
         std::all_of(splits.begin(), splits.end(), [](const std::vector<uint8_t>& split) {
           return std::all_of(split.begin(), split.end(), [](uint8_t part) { return part <= 1; });
         });
}

// The split of which the three are the masks.
absl::StatusOr<std::vector<uint8_t>> SplitOfMasks(std::vector<std::vector<uint8_t>> masks,
                                                  const std::string& place) {
  constexpr char kAllowed[] =
      "allowed: splits of 0 none, 1 train, 2 valid, 3 test; or three masks, of the training, the "
      "validation and the test nodes, that do not overlap";
  if (masks.size() != 3)
    return ArrayError(place, absl::StrCat(masks.size(), " splits of only 0 and 1"), kAllowed);
  std::vector<uint8_t> split = std::move(masks[0]);
  for (uint8_t part = 2; part <= 3; ++part) {
    for (size_t v = 0; v < split.size(); ++v) {
      if (masks[size_t{part} - 1][v] == 0) continue;
      if (split[v] != 0)
        return ArrayError(absl::StrCat(place, " node ", v),
                          absl::StrCat("1 in both the ", PartName(SplitPart{split[v]}), " and the ",
                                       PartName(SplitPart{part}), " mask"),
                          kAllowed);
      split[v] = part;
    }
  }
  return split;
}

// A mask of one split counts for all: WikiCS has 20 splits with one set of test nodes.
absl::Status ImportMasks(std::array<ArraySource, 3> masks, ImportTarget& target) {
  const int64_t num_nodes = target.num_nodes();
  std::array<TableShape, 3> shapes;
  int64_t num_splits = 1;
  for (size_t i = 0; i < masks.size(); ++i) {
    QH_ASSIGN_OR_RETURN(shapes[i], NodesOfSplits(masks[i], num_nodes));
    num_splits = std::max(num_splits, shapes[i].rows);
  }
  std::vector<std::vector<uint8_t>> splits(AsSize(num_splits),
                                           std::vector<uint8_t>(AsSize(num_nodes)));
  for (uint8_t part = 1; part <= 3; ++part) {
    ArraySource& mask = masks[size_t{part} - 1];
    const TableShape& shape = shapes[size_t{part} - 1];
    const bool of_all = shape.rows == 1;
    if (!of_all && shape.rows != num_splits)
      return WrongDims(mask, absl::StrCat("another mask has ", num_splits, " splits"));
    QH_RETURN_IF_ERROR(ForEachBlock<int64_t>(
        mask, [&](absl::Span<const int64_t> values, int64_t first) -> absl::Status {
          for (size_t i = 0; i < values.size(); ++i) {
            const int64_t at = first + static_cast<int64_t>(i);
            const int64_t node = shape.Column(at);
            const auto place = [&](int64_t split) {
              return absl::StrCat(mask.place(), " split ", split, " node ", node);
            };
            const int64_t begin = of_all ? 0 : shape.Row(at);
            if (values[i] != 0 && values[i] != 1)
              return ArrayError(place(begin), absl::StrCat(values[i]), "a mask is of 0 and 1");
            if (values[i] == 0) continue;
            for (int64_t split = begin; split < (of_all ? num_splits : begin + 1); ++split) {
              uint8_t& old = splits[AsSize(split)][AsSize(node)];
              if (old != 0)
                return ArrayError(place(split), absl::StrCat("also in ", PartName(SplitPart{old})),
                                  "the parts of a split must not overlap");
              old = part;
            }
          }
          return absl::OkStatus();
        }));
  }
  AddSplits(std::move(splits), target);
  return absl::OkStatus();
}

// Node ids of each part of one split.
absl::Status ImportIds(std::array<ArraySource, 3> arrays, const std::string& place,
                       ImportTarget& target) {
  std::array<std::vector<int64_t>, 3> ids;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const std::vector<int64_t>& dims = arrays[i].dims();
    if (dims.size() > 2 || (dims.size() == 2 && dims[0] != 1 && dims[1] != 1))
      return WrongDims(arrays[i], "ids of one split, [n], are needed");
    QH_ASSIGN_OR_RETURN(ids[i], arrays[i].ReadRest<int64_t>(target.memory_bytes()));
  }
  return AddSplitOfIds("split", ids, place, target);
}

// Arrays of the parts of splits, by name: together one for each part.
struct PartNames {
  std::vector<std::string> found, missing;
  bool complete() const { return found.size() == 3; }
};
PartNames FindParts(const NamedArrays& arrays, absl::Span<const char* const> suffixes) {
  static const std::vector<std::string> kParts[] = {{"train"}, {"val", "valid"}, {"test"}};
  PartNames most;
  for (const char* suffix : suffixes) {
    PartNames parts;
    for (const std::vector<std::string>& names : kParts) {
      const auto name = std::find_if(names.begin(), names.end(), [&](const std::string& of_part) {
        return arrays.Has(of_part + suffix);
      });
      if (name != names.end())
        parts.found.push_back(*name + suffix);
      else
        parts.missing.push_back(names.front() + suffix);
    }
    if (parts.found.size() > most.found.size()) most = std::move(parts);
  }
  return most;
}

}  // namespace

absl::Status ImportSplitsOrRandomSplit(const NamedArrays& arrays, std::vector<std::string> used,
                                       ImportTarget& target) {
  const PartNames masks = FindParts(arrays, {"_masks", "_mask"});
  const PartNames ids = FindParts(arrays, {"_idx", "_index", "_indices", "_ids", "_nid"});
  const bool by_ids = !masks.complete() && (ids.complete() || masks.found.empty());
  const PartNames& parts = by_ids ? ids : masks;
  if (!parts.found.empty() && !parts.complete() && !target.is_given_splits())
    return absl::InvalidArgumentError(
        absl::StrCat(arrays.place, " has ", absl::StrJoin(parts.found, " and "), ", but no ",
                     absl::StrJoin(parts.missing, " and "), ": a split has three parts, ",
                     by_ids ? "empty for one" : "of zeros for one",
                     " without nodes; add what is missing, or ", "give --splits"));
  if (parts.complete()) used.insert(used.end(), parts.found.begin(), parts.found.end());
  NoteUnused(arrays.names, used, target);
  if (!parts.complete()) {
    if (target.has_labels()) target.AddRandomSplit();
    return absl::OkStatus();
  }
  QH_ASSIGN_OR_RETURN(ArraySource train, arrays.open(parts.found[0]));
  QH_ASSIGN_OR_RETURN(ArraySource valid, arrays.open(parts.found[1]));
  QH_ASSIGN_OR_RETURN(ArraySource test, arrays.open(parts.found[2]));
  std::array<ArraySource, 3> of_parts = {std::move(train), std::move(valid), std::move(test)};
  // Masks may have the names of ids; three lists of ids that do not overlap cannot each have N
  // elements.
  const bool are_masks =
      std::all_of(of_parts.begin(), of_parts.end(),
                  [&](const ArraySource& part) { return part.size() == target.num_nodes(); });
  return by_ids && !are_masks ? ImportIds(std::move(of_parts), arrays.place, target)
                              : ImportMasks(std::move(of_parts), target);
}

absl::Status ImportSplits(ArraySource array, ImportTarget& target) {
  const int64_t num_nodes = target.num_nodes();
  QH_ASSIGN_OR_RETURN(const TableShape shape, NodesOfSplits(array, num_nodes));
  std::vector<std::vector<uint8_t>> splits(AsSize(shape.rows),
                                           std::vector<uint8_t>(AsSize(num_nodes)));
  QH_RETURN_IF_ERROR(ForEachBlock<int64_t>(
      array, [&](absl::Span<const int64_t> values, int64_t first) -> absl::Status {
        for (size_t i = 0; i < values.size(); ++i) {
          const int64_t at = first + static_cast<int64_t>(i);
          if (values[i] < 0 || values[i] > 3)
            return ArrayError(
                absl::StrCat(array.place(), " split ", shape.Row(at), " node ", shape.Column(at)),
                absl::StrCat(values[i]), "allowed: 0 none, 1 train, 2 valid, 3 test");
          splits[AsSize(shape.Row(at))][AsSize(shape.Column(at))] = static_cast<uint8_t>(values[i]);
        }
        return absl::OkStatus();
      }));
  if (AreMasks(splits)) {
    QH_ASSIGN_OR_RETURN(std::vector<uint8_t> split, SplitOfMasks(std::move(splits), array.place()));
    splits = {std::move(split)};
    target.AddNote("three splits of 0 and 1 that do not overlap: taken as the masks of one split");
  }
  AddSplits(std::move(splits), target);
  return absl::OkStatus();
}

SplitParts::SplitParts(absl::string_view name, int64_t num_nodes)
    : name_(name), parts_(AsSize(num_nodes)) {}

absl::Status SplitParts::Add(SplitPart part, absl::Span<const int64_t> ids,
                             absl::FunctionRef<std::string(int64_t)> place_of) {
  const auto added = static_cast<uint8_t>(part);
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto place = [&] { return place_of(static_cast<int64_t>(i)); };
    if (ids[i] < 0 || ids[i] >= static_cast<int64_t>(parts_.size()))
      return ArrayError(place(), absl::StrCat("node ", ids[i]),
                        absl::StrCat("node ids are in [0, ", parts_.size(), ")"));
    uint8_t& old = parts_[AsSize(ids[i])];
    if (old != 0 && old != added)
      return ArrayError(place(),
                        absl::StrCat("node ", ids[i], ", in both ", PartName(SplitPart{old}),
                                     " and ", PartName(part), " of split ", name_),
                        "the parts of a split must not overlap");
    num_repeated_ += old == added;
    old = added;
  }
  return absl::OkStatus();
}

void SplitParts::AddTo(ImportTarget& target) && {
  if (num_repeated_ > 0)
    target.AddNote(
        absl::StrCat("split ", name_, " names ", num_repeated_, " nodes more than once"));
  target.AddSplit(name_, std::move(parts_));
}

absl::Status AddSplitOfIds(absl::string_view name, const std::array<std::vector<int64_t>, 3>& ids,
                           const std::string& place, ImportTarget& target) {
  SplitParts parts(name, target.num_nodes());
  for (size_t i = 0; i < kSplitParts.size(); ++i) {
    const SplitPart part = kSplitParts[i];
    QH_RETURN_IF_ERROR(parts.Add(part, ids[i], [&](int64_t element) {
      return absl::StrCat(place, " ", PartName(part), " element ", element);
    }));
  }
  std::move(parts).AddTo(target);
  return absl::OkStatus();
}

}  // namespace quadhop
