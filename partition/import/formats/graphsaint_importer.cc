// GraphSAINT's folders (Zeng et al., 2020), https://github.com/GraphSAINT/GraphSAINT:
//
//   adj_full.npz   scipy's matrix       feats.npy    [N, F]
//   class_map.json {"0": class, or a list of 0 and 1}   role.json {"tr": ids, "va": ids, "te": ids}
//
// and Reddit's (Hamilton et al., 2017) as DGL ships it: reddit_data.npz (feature, label, node_types
// of 1, 2, 3) and reddit_graph.npz, or reddit_self_loop_graph.npz (scipy's coo: row, col).
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/import_splits.h"
#include "partition/import/formats/npz_adjacency.h"
#include "partition/import/text/json_file.h"

namespace quadhop {
namespace {

using Json = nlohmann::json;

constexpr const char* kFiles[] = {"adj_full.npz", "feats.npy", "class_map.json", "role.json"};

// Parsed JSON takes about this many times its text.
constexpr int64_t kJsonGrowth = 16;

absl::Status ReadClasses(const std::string& path, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const Json json, ReadJson(path, target.memory_bytes() / kJsonGrowth));
  if (!json.is_object() || json.empty())
    return ArrayError(path, "no object", "{\"node\": class, ...} is needed");
  const bool several = json.begin()->is_array();
  const size_t width = several ? json.begin()->size() : 1;
  const int64_t num_nodes = target.num_nodes();
  std::vector<double> classes;
  TensorView<uint8_t> multi;
  if (several) {
    QH_ASSIGN_OR_RETURN(multi, target.AddMultiLabels(static_cast<int64_t>(width)));
    std::fill_n(multi.data(), multi.size(), kUnlabelledMulti);
  } else {
    classes.assign(static_cast<size_t>(num_nodes), -1);
  }
  for (const auto& [key, value] : json.items()) {
    int64_t node = -1;
    const std::string place = absl::StrCat(path, " \"", key, "\"");
    if (!absl::SimpleAtoi(key, &node) || node < 0 || node >= num_nodes)
      return ArrayError(place, "no node", absl::StrCat("node ids are in [0, ", num_nodes, ")"));
    if (!several) {
      if (!value.is_number()) return ArrayError(place, value.type_name(), "a class is a number");
      classes[static_cast<size_t>(node)] = value.get<double>();
      continue;
    }
    if (!value.is_array() || value.size() != width)
      return ArrayError(
          place, value.type_name(),
          absl::StrCat("a list of ", width, " labels is needed, as for the first node"));
    for (size_t i = 0; i < width; ++i) {
      if (!value[i].is_number() || (value[i] != 0 && value[i] != 1))
        return ArrayError(place, "with a label that is not 0 or 1", "each must be");
      multi.row(node)[i] = value[i] == 1 ? 1 : 0;
    }
  }
  return several ? absl::OkStatus() : AddClasses(classes, path, target);
}

absl::Status ReadRoles(const std::string& path, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const Json json, ReadJson(path, target.memory_bytes() / kJsonGrowth));
  static constexpr const char* kRoles[] = {"tr", "va", "te"};
  std::array<std::vector<int64_t>, 3> ids;
  for (size_t part = 0; part < 3; ++part) {
    const auto list = json.is_object() ? json.find(kRoles[part]) : json.end();
    if (list == json.end() || !list->is_array())
      return ArrayError(path, absl::StrCat("without \"", kRoles[part], "\""),
                        "{\"tr\": [ids], \"va\": [ids], \"te\": [ids]} is needed");
    for (const Json& id : *list) {
      if (!id.is_number_integer()) return ArrayError(path, id.type_name(), "ids are whole numbers");
      ids[part].push_back(id.get<int64_t>());
    }
  }
  return AddSplitOfIds("role", ids, path, target);
}

bool IsReddit(const std::string& folder) { return FileExists(folder + "/reddit_data.npz"); }

absl::StatusOr<std::string> FindRedditArcs(const std::string& folder) {
  const std::string with_loops = folder + "/reddit_self_loop_graph.npz";
  const std::string arcs = folder + "/reddit_graph.npz";
  if (FileExists(arcs)) return arcs;
  if (FileExists(with_loops)) return with_loops;
  return absl::NotFoundError(absl::StrCat("no ", arcs, " (nor ", with_loops,
                                          "), which must stand beside reddit_data.npz"));
}

absl::Status ReadReddit(const std::string& folder, ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const std::string arcs, FindRedditArcs(folder));
  QH_ASSIGN_OR_RETURN(const NpzFile data,
                      NpzFile::Open(folder + "/reddit_data.npz", target.memory_bytes()));
  QH_ASSIGN_OR_RETURN(ArraySource labels, data.Array("label"));
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(labels.size()), labels.place()));
  QH_RETURN_IF_ERROR(ImportLabels(std::move(labels), target));
  QH_ASSIGN_OR_RETURN(ArraySource features, data.Array("feature"));
  QH_RETURN_IF_ERROR(ImportFeatures(std::move(features), target));
  QH_ASSIGN_OR_RETURN(ArraySource types, data.Array("node_types"));
  QH_RETURN_IF_ERROR(ImportSplits(std::move(types), target));
  QH_ASSIGN_OR_RETURN(const NpzFile graph, NpzFile::Open(arcs, target.memory_bytes()));
  QH_ASSIGN_OR_RETURN(ArraySource rows, graph.Array("row"));
  QH_ASSIGN_OR_RETURN(ArraySource columns, graph.Array("col"));
  return ImportArcs(std::move(rows), std::move(columns), target);
}

absl::Status CheckFiles(const std::string& folder) {
  for (const char* name : kFiles)
    if (!FileExists(absl::StrCat(folder, "/", name)))
      return absl::NotFoundError(absl::StrCat("no ", folder, "/", name,
                                              ", which GraphSAINT's layout must have; needed are ",
                                              absl::StrJoin(kFiles, ", ")));
  return absl::OkStatus();
}

absl::Status ReadGraphSaint(const ImportOptions& options, ImportTarget& target, ThreadPool&) {
  const std::string& folder = options.from;
  if (IsReddit(folder)) return ReadReddit(folder, target);
  QH_RETURN_IF_ERROR(CheckFiles(folder));
  QH_ASSIGN_OR_RETURN(const NpzFile npz,
                      NpzFile::Open(folder + "/adj_full.npz", target.memory_bytes()));
  QH_RETURN_IF_ERROR(ImportNpzAdjacency(npz, "", target));
  QH_ASSIGN_OR_RETURN(ArraySource features, ArraySource::OpenNpy(folder + "/feats.npy"));
  QH_RETURN_IF_ERROR(ImportFeatures(std::move(features), target));
  QH_RETURN_IF_ERROR(ReadClasses(folder + "/class_map.json", target));
  return ReadRoles(folder + "/role.json", target);
}

bool IsGraphSaintFolder(const std::string& from) {
  return FileExists(from + "/adj_full.npz") || IsReddit(from);
}

absl::StatusOr<PrepShape> MeasureReddit(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(const std::string arcs, FindRedditArcs(folder));
  QH_ASSIGN_OR_RETURN(const NpzFile data, NpzFile::Open(folder + "/reddit_data.npz", 0));
  QH_ASSIGN_OR_RETURN(const NpzFile graph, NpzFile::Open(arcs, 0));
  QH_ASSIGN_OR_RETURN(const ArraySource labels, data.Array("label"));
  QH_ASSIGN_OR_RETURN(const ArraySource features, data.Array("feature"));
  QH_ASSIGN_OR_RETURN(const ArraySource rows, graph.Array("row"));
  PrepShape shape;
  shape.nodes = labels.size();
  shape.arcs = rows.size();
  shape.features = FeatureColumns(features);
  return shape;
}

absl::StatusOr<absl::optional<PrepShape>> MeasureGraphSaint(const ImportOptions& options) {
  const std::string& folder = options.from;
  if (IsReddit(folder)) return MeasureReddit(folder);
  QH_RETURN_IF_ERROR(CheckFiles(folder));
  QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(folder + "/adj_full.npz", 0));
  QH_ASSIGN_OR_RETURN(const AdjacencySize size, MeasureNpzAdjacency(npz, ""));
  QH_ASSIGN_OR_RETURN(const ArraySource features, ArraySource::OpenNpy(folder + "/feats.npy"));
  PrepShape shape;
  shape.nodes = size.nodes;
  shape.arcs = size.arcs;
  shape.features = FeatureColumns(features);
  return shape;
}

}  // namespace

extern constinit const ImportFormat kGraphSaintFormat = {
    .name = "graphsaint",
    .recognised_by = "a folder with adj_full.npz, or with reddit_data.npz",
    .recognises = IsGraphSaintFolder,
    .read = ReadGraphSaint,
    .has_splits = [](const std::string&) { return true; },
    .measure = MeasureGraphSaint,
};

}  // namespace quadhop
