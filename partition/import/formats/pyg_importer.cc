// Arrays of a graph in an .npz, or tensors in a .pt of torch.save, under the names that they have
// in PyTorch Geometric's Data and in other code:
//
//   edge_index or edges, [2, E] or [E, 2]
//   x, node_feat, node_features or features [N, F], or --features
//   y, label, labels, node_label or node_labels [N] or [N, L], or --labels
//   num_nodes, else there are as many nodes as rows of features or labels
//   train_mask, val_mask and test_mask [N], or [S, N] or [N, S]
//
// The heterophilous graphs (Platonov et al., "A critical look at the evaluation of GNNs under
// heterophily", 2023), https://github.com/yandex-research/heterophilous-graphs, are such files.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/types/span.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/import_splits.h"
#include "partition/import/formats/pyg_file.h"

namespace quadhop {
namespace {

// What the file and the flags hold, opened but not read.
struct GraphArrays {
  std::string arcs;                              // its name
  absl::optional<ArraySource> features, labels;  // [N, ...]
  int64_t num_nodes = 0;
  std::string counted_by;         // as of ImportTarget::SetNodes
  std::vector<std::string> used;  // names of the file's arrays
};

// The first of the arrays `names` that exists, or the one that the flag gives, or nothing.
absl::StatusOr<absl::optional<ArraySource>> OpenOneOf(absl::Span<const char* const> names,
                                                      const NamedArrays& file, const char* flag,
                                                      const std::string& path,
                                                      std::vector<std::string>* used) {
  const auto name =
      std::find_if(names.begin(), names.end(), [&](const char* of) { return file.Has(of); });
  if (name == names.end()) {
    if (path.empty()) return absl::optional<ArraySource>();
    return ArraySource::OpenNpy(path);
  }
  if (!path.empty())
    return absl::InvalidArgumentError(absl::StrCat(flag, " is for inputs without such an array; ",
                                                   file.place, " has its own, ", *name));
  used->push_back(*name);
  return file.open(*name);
}

absl::Status CountNodes(const NamedArrays& file, GraphArrays* graph) {
  if (file.Has("num_nodes")) {
    graph->used.push_back("num_nodes");
    QH_ASSIGN_OR_RETURN(ArraySource count, file.open("num_nodes"));
    graph->counted_by = absl::StrCat(", as ", count.place(), " says");
    QH_ASSIGN_OR_RETURN(graph->num_nodes, ReadNumber(std::move(count), "one number is needed"));
    return absl::OkStatus();
  }
  if (!graph->features.has_value() && !graph->labels.has_value())
    return ArrayError(file.place, "without x, y and num_nodes",
                      "one of them, --features or --labels must tell how many nodes there are");
  const ArraySource& rows = graph->features.has_value() ? *graph->features : *graph->labels;
  if (rows.dims().empty()) return WrongDims(rows, "a row for each node is needed");
  graph->num_nodes = rows.dims()[0];
  graph->counted_by = absl::StrCat(", since ", rows.place(), " is ", rows.DimsText());
  return absl::OkStatus();
}

absl::StatusOr<GraphArrays> FindArrays(const NamedArrays& file, const ImportOptions& options) {
  GraphArrays graph;
  graph.arcs = file.Has("edges") && !file.Has("edge_index") ? "edges" : "edge_index";
  graph.used.push_back(graph.arcs);
  QH_ASSIGN_OR_RETURN(graph.features, OpenOneOf({"x", "node_feat", "node_features", "features"},
                                                file, "--features", options.features, &graph.used));
  QH_ASSIGN_OR_RETURN(graph.labels,
                      OpenOneOf(kLabelNames, file, "--labels", options.labels, &graph.used));
  QH_RETURN_IF_ERROR(CountNodes(file, &graph));
  return graph;
}

absl::Status ReadPyg(const ImportOptions& options, ImportTarget& target, ThreadPool&) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<PygFile> file,
                      PygFile::Open(options.from, target.memory_bytes()));
  const NamedArrays& arrays = file->arrays();
  QH_ASSIGN_OR_RETURN(GraphArrays graph, FindArrays(arrays, options));
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(graph.num_nodes, graph.counted_by), options.from));
  QH_RETURN_IF_ERROR(ImportArcs([&] { return arrays.open(graph.arcs); }, target));
  if (graph.features.has_value())
    QH_RETURN_IF_ERROR(ImportFeatures(*std::move(graph.features), target));
  else
    target.AddNote("no x: positional encodings will stand in for features");
  if (graph.labels.has_value())
    QH_RETURN_IF_ERROR(ImportLabels(*std::move(graph.labels), target));
  else
    target.AddNote("no y: the store has no labels and cannot be trained on");
  const std::string name = std::filesystem::path(options.from).filename();
  if (absl::StrContains(name, "_directed") && !options.directed)
    target.AddNote("the file's name says that the graph is directed: --directed keeps it so");
  return ImportSplitsOrRandomSplit(arrays, graph.used, target);
}

bool IsPyg(const std::string& from) {
  if (!IsTorchName(from)) return IsNpzWith(from, {"edge_index"}) || IsNpzWith(from, {"edges"});
  const auto file = PygFile::Open(from);
  return file.ok() && (*file)->has_arcs();
}

absl::StatusOr<absl::optional<PrepShape>> MeasurePyg(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<PygFile> file, PygFile::Open(options.from));
  QH_ASSIGN_OR_RETURN(const GraphArrays graph, FindArrays(file->arrays(), options));
  QH_ASSIGN_OR_RETURN(const ArraySource arcs, file->arrays().open(graph.arcs));
  PrepShape shape;
  shape.nodes = graph.num_nodes;
  shape.arcs = arcs.size() / 2;
  if (graph.features.has_value()) shape.features = FeatureColumns(*graph.features);
  return shape;
}

}  // namespace

extern constinit const ImportFormat kPygFormat = {
    .name = "pyg",
    .recognised_by = "an .npz or .pt with edge_index or edges",
    .recognises = IsPyg,
    .read = ReadPyg,
    .takes_companions = true,
    .measure = MeasurePyg,
};

}  // namespace quadhop
