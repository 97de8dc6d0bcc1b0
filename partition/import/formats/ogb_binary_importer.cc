// OGB's binary layout, which papers100M has: raw/data.npz (edge_index [2, E], num_nodes_list,
// node_feat [N, F]) and raw/node-label.npz (node_label, NaN: unlabelled), members deflated, or the
// same arrays unzipped beside it, raw/edge_index.npy and so on; split/ as in the csv layout.
//
// Members are inflated as they are read, edge_index twice side by side, for its two rows.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <memory>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/note_unused.h"
#include "partition/import/formats/ogb_splits.h"

namespace quadhop {
namespace {

// Arrays of a folder: NAME.npy, or a member of one of its archives.
class RawArrays {
 public:
  static absl::StatusOr<RawArrays> Open(std::string folder, int64_t max_bytes) {
    RawArrays arrays;
    arrays.folder_ = std::move(folder);
    for (const char* archive : {"data.npz", "node-label.npz"}) {
      const std::string path = absl::StrCat(arrays.folder_, "/", archive);
      if (!FileExists(path)) continue;
      QH_ASSIGN_OR_RETURN(NpzFile npz, NpzFile::Open(path, max_bytes));
      arrays.archives_.push_back(std::make_unique<NpzFile>(std::move(npz)));
    }
    return arrays;
  }

  bool Has(const std::string& name) const {
    if (FileExists(NpyPath(name))) return true;
    for (const auto& archive : archives_)
      if (archive->Has(name)) return true;
    return false;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const std::string& file : ListFolder(folder_).value_or(std::vector<std::string>()))
      if (absl::EndsWith(file, ".npy")) names.emplace_back(absl::StripSuffix(file, ".npy"));
    for (const auto& archive : archives_)
      for (const std::string& name : archive->names())
        if (!FileExists(NpyPath(name))) names.push_back(name);
    return names;
  }
  absl::StatusOr<ArraySource> Array(const std::string& name) const {
    if (FileExists(NpyPath(name))) return ArraySource::OpenNpy(NpyPath(name));
    for (const auto& archive : archives_)
      if (archive->Has(name)) return archive->Array(name);
    return absl::NotFoundError(absl::StrCat("no ", NpyPath(name), ", and no ", name, " in data.npz",
                                            ", which OGB's binary layout must have"));
  }

 private:
  std::string NpyPath(const std::string& name) const {
    return absl::StrCat(folder_, "/", name, ".npy");
  }
  std::string folder_;
  std::vector<std::unique_ptr<NpzFile>> archives_;
};

// num_nodes_list or num_edges_list.
absl::StatusOr<int64_t> ReadCount(const RawArrays& raw, const std::string& name) {
  QH_ASSIGN_OR_RETURN(ArraySource list, raw.Array(name));
  return ReadNumber(std::move(list), "one number is needed: a store holds a single graph");
}

absl::StatusOr<int64_t> CountNodes(const RawArrays& raw) {
  if (raw.Has("num_nodes_list")) return ReadCount(raw, "num_nodes_list");
  QH_ASSIGN_OR_RETURN(const ArraySource rows,
                      raw.Array(raw.Has("node_feat") ? "node_feat" : "node_label"));
  return rows.dims().empty() ? 0 : rows.dims()[0];
}

absl::Status CheckEdges(const RawArrays& raw) {
  if (!raw.Has("num_edges_list")) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const int64_t counted, ReadCount(raw, "num_edges_list"));
  QH_ASSIGN_OR_RETURN(const ArraySource edges, raw.Array("edge_index"));
  if (counted == edges.size() / 2) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(edges.place(), " is ", edges.DimsText(),
                                                 ", but num_edges_list says ", counted, " edges"));
}

absl::Status ReadOgbBinaryFolder(const ImportOptions& options, ImportTarget& target,
                                 ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const RawArrays raw,
                      RawArrays::Open(options.from + "/raw", target.memory_bytes()));
  QH_ASSIGN_OR_RETURN(const int64_t num_nodes, CountNodes(raw));
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(num_nodes), options.from));
  QH_RETURN_IF_ERROR(CheckEdges(raw));
  QH_RETURN_IF_ERROR(ImportArcs([&] { return raw.Array("edge_index"); }, target));
  if (raw.Has("node_feat")) {
    QH_ASSIGN_OR_RETURN(ArraySource features, raw.Array("node_feat"));
    QH_RETURN_IF_ERROR(ImportFeatures(std::move(features), target));
  } else {
    target.AddNote("no node_feat: positional encodings will stand in for features");
  }
  if (raw.Has("node_label")) {
    QH_ASSIGN_OR_RETURN(ArraySource labels, raw.Array("node_label"));
    QH_RETURN_IF_ERROR(ImportLabels(std::move(labels), target));
  } else {
    target.AddNote("no node_label: the store has no labels and cannot be trained on");
  }
  NoteUnused(raw.names(),
             {"edge_index", "num_nodes_list", "num_edges_list", "node_feat", "node_label"}, target);
  return ReadOgbSplits(options.from + "/split", target, pool);
}

bool IsOgbBinaryFolder(const std::string& from) {
  return FileExists(from + "/raw/data.npz") || FileExists(from + "/raw/edge_index.npy");
}

absl::StatusOr<absl::optional<PrepShape>> MeasureOgbBinaryFolder(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const RawArrays raw, RawArrays::Open(options.from + "/raw", 0));
  PrepShape shape;
  QH_ASSIGN_OR_RETURN(shape.nodes, CountNodes(raw));
  QH_ASSIGN_OR_RETURN(const ArraySource arcs, raw.Array("edge_index"));
  shape.arcs = arcs.size() / 2;
  if (raw.Has("node_feat")) {
    QH_ASSIGN_OR_RETURN(const ArraySource features, raw.Array("node_feat"));
    shape.features = FeatureColumns(features);
  }
  return shape;
}

}  // namespace

extern constinit const ImportFormat kOgbBinaryFormat = {
    .name = "ogb-binary",
    .recognised_by = "a folder with raw/data.npz or raw/edge_index.npy",
    .recognises = IsOgbBinaryFolder,
    .read = ReadOgbBinaryFolder,
    .has_splits = HasOgbSplits,
    .measure = MeasureOgbBinaryFolder,
};

}  // namespace quadhop
