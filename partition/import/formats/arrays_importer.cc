// A user's own .npy arrays: arcs [2, E] or [E, 2], with --features, --labels and --splits.
//
// With --features or --labels, ids are the numbers of their rows. Without, ids may have gaps, as in
// edge lists.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"

namespace quadhop {
namespace {

template <typename Visit>
absl::Status ForEachId(const ArrayOpener& open, const Visit& visit) {
  QH_ASSIGN_OR_RETURN(ArraySource ids, open());
  return ForEachBlock<int64_t>(ids, visit);
}

// Ids may have gaps, as in edge lists.
absl::Status ImportAnyIds(const ArrayOpener& open, const std::string& path, ImportTarget& target) {
  NodeIds::Range range;
  QH_RETURN_IF_ERROR(
      ForEachId(open, [&](absl::Span<const int64_t> ids, int64_t first) -> absl::Status {
        const auto [least, most] = std::minmax_element(ids.begin(), ids.end());
        if (*least < 0)
          return ArrayError(absl::StrCat(path, " element ", first + (least - ids.begin())),
                            absl::StrCat("node ", *least), "node ids are at least 0");
        range.Include(*least);
        range.Include(*most);
        return absl::OkStatus();
      }));
  QH_ASSIGN_OR_RETURN(NodeIds nodes, NodeIds::Make(range, path, target.memory_bytes() / 2));
  QH_RETURN_IF_ERROR(
      ForEachId(open, [&](absl::Span<const int64_t> ids, int64_t) { return nodes.Add(ids); }));
  QH_RETURN_IF_ERROR(nodes.Number());
  QH_RETURN_IF_ERROR(SetNodes(nodes, path, target));
  return ImportArcs(open, target, nodes.contiguous() ? nullptr : &nodes);
}

absl::Status ReadArrays(const ImportOptions& options, ImportTarget& target, ThreadPool&) {
  const ArrayOpener open = [&] { return ArraySource::OpenNpy(options.from); };
  QH_ASSIGN_OR_RETURN(const bool are_rows, SetNodesOfCompanions(options, target));
  QH_RETURN_IF_ERROR(are_rows ? ImportArcs(open, target)
                              : ImportAnyIds(open, options.from, target));
  return ImportCompanions(options, target);
}

bool IsArrays(const std::string& from) { return absl::EndsWith(from, ".npy"); }

absl::StatusOr<absl::optional<PrepShape>> MeasureArrays(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const absl::optional<CompanionShape> nodes, MeasureCompanions(options));
  if (!nodes.has_value()) return absl::nullopt;
  QH_ASSIGN_OR_RETURN(const ArraySource arcs, ArraySource::OpenNpy(options.from));
  PrepShape shape;
  shape.nodes = nodes->nodes;
  shape.arcs = arcs.size() / 2;
  shape.features = nodes->features;
  return shape;
}

}  // namespace

extern constinit const ImportFormat kArraysFormat = {
    .name = "arrays",
    .recognised_by = "an .npy of arcs, [2, E] or [E, 2]",
    .recognises = IsArrays,
    .read = ReadArrays,
    .takes_companions = true,
    .measure = MeasureArrays,
};

}  // namespace quadhop
