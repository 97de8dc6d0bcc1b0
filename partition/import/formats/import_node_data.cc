#include "partition/import/formats/import_node_data.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"
#include "partition/import/target/node_values.h"

namespace quadhop {
namespace {

// [N], [N, L], or a row [1, N].
absl::StatusOr<TableShape> RowANode(const ArraySource& source, int64_t num_nodes) {
  const std::vector<int64_t>& dims = source.dims();
  if (dims.size() == 1 && dims[0] == num_nodes) return TableShape{num_nodes, 1, false};
  if (dims.size() == 2 && dims[0] == num_nodes && dims[1] >= 1)
    return TableShape{num_nodes, dims[1], source.fortran_order()};
  if (dims.size() == 2 && dims[0] == 1 && dims[1] == num_nodes)
    return TableShape{num_nodes, 1, false};
  if (dims.size() == 2 && dims[0] == num_nodes)
    return WrongDims(source, "a row must have at least one column");
  return WrongDims(source, absl::StrCat("one row for each of the ", num_nodes, " nodes is needed"));
}

std::string Place(const ArraySource& source, const TableShape& shape, int64_t at) {
  return absl::StrCat(source.place(), " row ", shape.Row(at), " column ", shape.Column(at));
}

absl::Status ImportMultiLabels(ArraySource& labels, const TableShape& shape, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const TensorView<uint8_t> out, target.AddMultiLabels(shape.columns));
  return ForEachBlock<double>(
      labels, [&](absl::Span<const double> values, int64_t first) -> absl::Status {
        for (size_t i = 0; i < values.size(); ++i) {
          const int64_t at = first + static_cast<int64_t>(i);
          if (!IsMultiLabel(values[i])) return WrongMultiLabel(Place(labels, shape, at), values[i]);
          out.row(shape.Row(at))[shape.Column(at)] = MultiLabelOf(values[i]);
        }
        return absl::OkStatus();
      });
}

// `classes` are those from element `first` of the place on.
absl::Status ToClasses(absl::Span<const double> classes, const std::string& place, int64_t first,
                       absl::Span<int32_t> out) {
  for (size_t i = 0; i < classes.size(); ++i) {
    if (!IsClass(classes[i]))
      return WrongClass(absl::StrCat(place, " element ", first + static_cast<int64_t>(i)),
                        classes[i]);
    out[i] = ClassOf(classes[i]);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ImportFeatures(ArraySource features, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const TableShape shape, RowANode(features, target.num_nodes()));
  QH_ASSIGN_OR_RETURN(const TensorView<float> out, target.AddFeatures(shape.columns));
  return ForEachBlock<float>(
      features, [&](absl::Span<const float> values, int64_t first) -> absl::Status {
        target.TellProgress(features.place(), ShareOf(first, features.size()));
        const auto count = static_cast<int64_t>(values.size());
        for (int64_t i = 0; i < count; ++i)
          if (!std::isfinite(values[AsSize(i)]))
            return WrongFeature(Place(features, shape, first + i),
                                std::isinf(values[AsSize(i)]) && features.dtype() == DType::kF64
                                    ? "beyond what 32 bits hold"
                                    : absl::StrCat(values[AsSize(i)]));
        if (!shape.by_column) {
          std::copy(values.begin(), values.end(), out.data() + first);
          return absl::OkStatus();
        }
        for (int64_t i = 0; i < count; ++i)
          out.row(shape.Row(first + i))[shape.Column(first + i)] = values[AsSize(i)];
        return absl::OkStatus();
      });
}

int64_t FeatureColumns(const ArraySource& features) {
  return features.dims().size() == 2 ? features.dims()[1] : 1;
}

absl::Status ImportLabels(ArraySource labels, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const TableShape shape, RowANode(labels, target.num_nodes()));
  if (shape.columns > 1) return ImportMultiLabels(labels, shape, target);
  QH_ASSIGN_OR_RETURN(const absl::Span<int32_t> out, target.AddLabels());
  return ForEachBlock<double>(labels, [&](absl::Span<const double> classes, int64_t first) {
    return ToClasses(classes, labels.place(), first, out.subspan(AsSize(first), classes.size()));
  });
}

absl::Status AddClasses(absl::Span<const double> classes, const std::string& place,
                        ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const absl::Span<int32_t> out, target.AddLabels());
  QH_CHECK_EQ(classes.size(), out.size());
  return ToClasses(classes, place, 0, out);
}

absl::StatusOr<absl::optional<CompanionShape>> MeasureCompanions(const ImportOptions& options) {
  CompanionShape shape;
  for (const std::string& path : {options.features, options.labels}) {
    if (path.empty()) continue;
    QH_ASSIGN_OR_RETURN(const ArraySource array, ArraySource::OpenNpy(path));
    if (array.dims().empty() || array.dims()[0] < 1)
      return WrongDims(array, "a row for each node is needed");
    if (shape.nodes > 0 && array.dims()[0] != shape.nodes)
      return WrongDims(array, absl::StrCat("a row for each of the ", shape.nodes, " nodes of ",
                                           options.features, " is needed"));
    if (path == options.features) shape.features = array.size() / array.dims()[0];
    if (shape.nodes == 0)
      shape.counted_by = absl::StrCat(", since ", path, ", ", array.DimsText(),
                                      ", has a row for each of ", array.dims()[0],
                                      " nodes: number the nodes by their rows, or leave out "
                                      "--features and --labels");
    shape.nodes = array.dims()[0];
  }
  if (shape.nodes == 0) return absl::nullopt;
  return shape;
}

absl::StatusOr<absl::optional<PrepShape>> MeasureWithCompanions(const ImportOptions& options,
                                                                int64_t num_nodes,
                                                                int64_t num_arcs) {
  QH_ASSIGN_OR_RETURN(const absl::optional<CompanionShape> companions, MeasureCompanions(options));
  PrepShape shape;
  shape.nodes = num_nodes;
  shape.arcs = num_arcs;
  if (companions.has_value()) shape.features = companions->features;
  return shape;
}

absl::StatusOr<bool> SetNodesOfCompanions(const ImportOptions& options, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const absl::optional<CompanionShape> shape, MeasureCompanions(options));
  if (shape.has_value()) QH_RETURN_IF_ERROR(target.SetNodes(shape->nodes, shape->counted_by));
  return shape.has_value();
}

absl::Status ImportCompanions(const ImportOptions& options, ImportTarget& target) {
  if (options.features.empty()) {
    target.AddNote("no --features: positional encodings will stand in for features");
  } else {
    QH_ASSIGN_OR_RETURN(ArraySource features, ArraySource::OpenNpy(options.features));
    QH_RETURN_IF_ERROR(ImportFeatures(std::move(features), target));
  }
  if (options.labels.empty()) {
    target.AddNote("no --labels: the store has no labels and cannot be trained on");
  } else {
    QH_ASSIGN_OR_RETURN(ArraySource labels, ArraySource::OpenNpy(options.labels));
    QH_RETURN_IF_ERROR(ImportLabels(std::move(labels), target));
  }
  if (!options.labels.empty()) target.AddRandomSplit();
  return absl::OkStatus();
}

}  // namespace quadhop
