// DGL's chunked graphs, the input of its distributed partitioning:
// https://docs.dgl.ai/guide/distributed-preprocessing.html. metadata.json names the chunks: arcs as
// csv or numpy, data of nodes as numpy.
//
// One node type; all edge types between it and itself are taken together. Of the node data, feat,
// label and {train,val,test}_mask are read, under the names that people give them.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/import_splits.h"
#include "partition/import/text/json_file.h"
#include "partition/import/text/number_lines.h"

namespace quadhop {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxMetadataBytes = int64_t{64} << 20;
constexpr const char* kArcCounts = "num_edges_per_chunk";

// The elements of several .npy files, one after another.
class ChunkBytes : public ByteSource {
 public:
  explicit ChunkBytes(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    size_t written = 0;
    while (written < out.size() && next_ < paths_.size()) {
      if (!file_) {
        QH_ASSIGN_OR_RETURN(NpyFile file, NpyFile::Open(paths_[next_]));
        file_ = std::make_unique<NpyFile>(std::move(file));
        at_ = 0;
      }
      const auto size = static_cast<size_t>(file_->header().data_bytes());
      const size_t count = std::min(out.size() - written, size - at_);
      if (count > 0)
        std::memcpy(out.data() + written, static_cast<const char*>(file_->data()) + at_, count);
      written += count;
      at_ += count;
      if (at_ < size) continue;
      file_.reset();
      ++next_;
    }
    return static_cast<int64_t>(written);
  }

 private:
  std::vector<std::string> paths_;
  size_t next_ = 0;
  std::unique_ptr<NpyFile> file_;
  size_t at_ = 0;
};

class DglImporter {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
    QH_RETURN_IF_ERROR(Open(options.from));
    QH_ASSIGN_OR_RETURN(const int64_t num_nodes, CountNodes());
    QH_RETURN_IF_ERROR(Annotate(target.SetNodes(num_nodes), path_));
    QH_RETURN_IF_ERROR(ReadArcs(target, pool));
    return ReadNodeData(target);
  }

  // Nothing if the metadata do not say how many arcs there are.
  absl::StatusOr<absl::optional<PrepShape>> Measure(const ImportOptions& options) {
    QH_RETURN_IF_ERROR(Open(options.from));
    PrepShape shape;
    QH_ASSIGN_OR_RETURN(shape.nodes, CountNodes());
    const Json* counts = Find(metadata_, kArcCounts);
    if (counts == nullptr || !counts->is_array()) return absl::nullopt;
    for (const Json& of_type : *counts) {
      QH_ASSIGN_OR_RETURN(const int64_t num_arcs, SumOf(of_type, kArcCounts));
      if (__builtin_add_overflow(shape.arcs, num_arcs, &shape.arcs))
        return Error(kArcCounts, "fewer arcs are needed");
    }
    std::vector<std::string> used;
    QH_ASSIGN_OR_RETURN(const auto features, OpenFeatures(&used));
    if (features) shape.features = FeatureColumns(*features);
    return shape;
  }

 private:
  absl::Status Open(const std::string& folder) {
    folder_ = folder;
    path_ = folder_ + "/metadata.json";
    QH_ASSIGN_OR_RETURN(metadata_, ReadJson(path_, kMaxMetadataBytes));
    return absl::OkStatus();
  }
  absl::Status Error(absl::string_view field, absl::string_view allowed) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", field, " is wrong; ", allowed));
  }
  absl::Status WrongFormat(absl::string_view field, absl::string_view format,
                           absl::string_view read) const {
    return absl::InvalidArgumentError(absl::StrCat(
        path_, ": ", field, " is in the format ", format, ", which is not read; allowed: ", read,
        ". Convert its files, as by numpy.save(\"FILE.npy\", "
        "pandas.read_parquet(FILE).to_numpy()), and name these and numpy in ",
        path_));
  }
  // The member of an object, or null.
  static const Json* Find(const Json& object, absl::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(std::string(key));
    return found == object.end() ? nullptr : &*found;
  }

  absl::StatusOr<int64_t> CountNodes() const {
    const Json* types = Find(metadata_, "node_type");
    const Json* counts = Find(metadata_, "num_nodes_per_chunk");
    if (types == nullptr || !types->is_array() || counts == nullptr || !counts->is_array())
      return Error("node_type or num_nodes_per_chunk", "lists are needed");
    if (types->size() != 1 || counts->size() != 1 || !(*counts)[0].is_array())
      return Error("node_type",
                   absl::StrCat("a store holds nodes of one type, but here are ", types->size()));
    return SumOf((*counts)[0], "num_nodes_per_chunk");
  }

  // The sum of the numbers of all chunks of one type.
  absl::StatusOr<int64_t> SumOf(const Json& counts, absl::string_view field) const {
    int64_t sum = 0;
    for (const Json& count : counts)
      if (!count.is_number_integer() || count.get<int64_t>() < 0 ||
          __builtin_add_overflow(sum, count.get<int64_t>(), &sum))
        return Error(field, "whole numbers are needed");
    return sum;
  }

  struct Chunks {
    std::string format;
    std::vector<std::string> paths;
  };
  // {"format": {"name": ...}, "data": [paths]}
  absl::StatusOr<Chunks> ChunksOf(const Json& entry, const std::string& field) const {
    Chunks chunks;
    const Json* format = Find(entry, "format");
    const Json* name = format == nullptr ? nullptr : Find(*format, "name");
    const Json* data = Find(entry, "data");
    if (name == nullptr || !name->is_string() || data == nullptr || !data->is_array() ||
        data->empty())
      return Error(field, "{\"format\": {\"name\": ...}, \"data\": [files]} is needed");
    chunks.format = name->get<std::string>();
    for (const Json& file : *data) {
      if (!file.is_string()) return Error(field, "data must list files");
      const auto path = file.get<std::string>();
      chunks.paths.push_back(path[0] == '/' ? path : absl::StrCat(folder_, "/", path));
    }
    return chunks;
  }

  absl::Status ReadArcs(ImportTarget& target, ThreadPool& pool) const {
    const Json* edges = Find(metadata_, "edges");
    if (edges == nullptr || !edges->is_object()) return Error("edges", "an object is needed");
    if (edges->size() > 1)
      target.AddNote(absl::StrCat("edges of ", edges->size(), " types are taken together"));
    for (const auto& [type, entry] : edges->items()) {
      QH_ASSIGN_OR_RETURN(const Chunks chunks, ChunksOf(entry, absl::StrCat("edges ", type)));
      int64_t num_arcs = 0;
      for (const std::string& path : chunks.paths) {
        if (chunks.format == "numpy") {
          QH_RETURN_IF_ERROR(ImportArcs([&] { return ArraySource::OpenNpy(path); }, target));
          QH_ASSIGN_OR_RETURN(const ArraySource arcs, ArraySource::OpenNpy(path));
          num_arcs += arcs.size() / 2;
        } else if (chunks.format == "csv") {
          QH_ASSIGN_OR_RETURN(const int64_t in_file, ReadCsvArcs(path, target, pool));
          num_arcs += in_file;
        } else {
          return WrongFormat(absl::StrCat("edges ", type), chunks.format, "csv and numpy");
        }
      }
      QH_RETURN_IF_ERROR(CheckArcs(type, num_arcs));
    }
    return absl::OkStatus();
  }

  // Checks that as many arcs of one edge type were read as num_edges_per_chunk says, if it does.
  absl::Status CheckArcs(const std::string& type, int64_t num_arcs) const {
    const Json* types = Find(metadata_, "edge_type");
    const Json* counts = Find(metadata_, kArcCounts);
    if (types == nullptr || !types->is_array() || counts == nullptr) return absl::OkStatus();
    const auto place =
        static_cast<size_t>(std::find(types->begin(), types->end(), type) - types->begin());
    if (!counts->is_array() || place >= counts->size()) return absl::OkStatus();
    QH_ASSIGN_OR_RETURN(const int64_t sum, SumOf((*counts)[place], kArcCounts));
    if (sum == num_arcs) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path_, ": the files of edges ", type, " have ",
                                                   num_arcs, " arcs; ", kArcCounts, " says ", sum));
  }

  static absl::StatusOr<int64_t> ReadCsvArcs(const std::string& path, ImportTarget& target,
                                             ThreadPool& pool) {
    std::atomic<int64_t> num_arcs = 0;
    const auto take = [&](absl::string_view line, int64_t number,
                          std::vector<Arc>* arcs) -> absl::Status {
      absl::string_view rest = line;
      Arc arc;
      if (!TakeInteger(&rest, &arc.source) || !TakeInteger(&rest, &arc.target))
        return LineError(path, number, line, "two node ids are needed, whole numbers below 2^63");
      arcs->push_back(arc);
      return absl::OkStatus();
    };
    QH_RETURN_IF_ERROR(ImportArcLines(
        path, target, pool, take, [&](absl::Span<const Arc> arcs, const TextChunk& chunk) {
          num_arcs += static_cast<int64_t>(arcs.size());
          return AddCheckedArcs(arcs, target, [&](int64_t i, int end) {
            return absl::StrCat(path, " line ", chunk.first_line + i + 1, " column ", end + 1);
          });
        }));
    return num_arcs.load();
  }

  // The metadata of node data, or null.
  const Json* NodeData() const {
    const Json* all = Find(metadata_, "node_data");
    const Json& name = metadata_["node_type"][0];
    return all == nullptr || !name.is_string() ? nullptr : Find(*all, name.get<std::string>());
  }

  absl::StatusOr<std::optional<ArraySource>> OpenFeatures(std::vector<std::string>* used) const {
    return Open(NodeData(), {"feat", "feature", "features", "x"}, used);
  }

  absl::Status ReadNodeData(ImportTarget& target) const {
    const Json* data = NodeData();
    std::vector<std::string> used;
    QH_ASSIGN_OR_RETURN(auto features, OpenFeatures(&used));
    if (features) {
      QH_RETURN_IF_ERROR(ImportFeatures(*std::move(features), target));
    } else {
      target.AddNote("no feat: positional encodings will stand in for features");
    }
    QH_ASSIGN_OR_RETURN(auto labels, Open(data, {"label", "labels", "y"}, &used));
    if (labels) {
      QH_RETURN_IF_ERROR(ImportLabels(*std::move(labels), target));
    } else {
      target.AddNote("no label: the store has no labels and cannot be trained on");
    }
    NamedArrays arrays{path_, {}, [&](const std::string& of) { return Open(*data, of); }};
    if (data != nullptr && data->is_object())
      for (const auto& [key, entry] : data->items()) arrays.names.push_back(key);
    return ImportSplitsOrRandomSplit(arrays, used, target);
  }

  // The node data under the first of these names that is there.
  absl::StatusOr<std::optional<ArraySource>> Open(const Json* data,
                                                  std::initializer_list<const char*> names,
                                                  std::vector<std::string>* used) const {
    for (const char* name : names) {
      if (data == nullptr || Find(*data, name) == nullptr) continue;
      used->push_back(name);
      QH_ASSIGN_OR_RETURN(ArraySource array, Open(*data, name));
      return std::optional<ArraySource>(std::move(array));
    }
    return std::optional<ArraySource>();
  }
  // Node data that exist, their chunks as one array.
  absl::StatusOr<ArraySource> Open(const Json& data, const std::string& name) const {
    QH_ASSIGN_OR_RETURN(Chunks chunks,
                        ChunksOf(*Find(data, name), absl::StrCat("node_data ", name)));
    if (chunks.format != "numpy")
      return WrongFormat(absl::StrCat("node_data ", name), chunks.format, "numpy");
    return Join(std::move(chunks.paths));
  }

  static absl::StatusOr<ArraySource> Join(std::vector<std::string> paths) {
    std::vector<int64_t> dims;
    DType dtype = DType::kF32;
    for (const std::string& path : paths) {
      QH_ASSIGN_OR_RETURN(const NpyFile file, NpyFile::Open(path));
      const NpyHeader& header = file.header();
      if (header.dims.empty() || (header.fortran_order && header.dims.size() > 1))
        return ArrayError(path, "a single number or in column order", "rows in order are needed");
      if (dims.empty()) {
        dims = header.dims;
        dtype = header.dtype;
        continue;
      }
      if (header.dtype != dtype ||
          !std::equal(header.dims.begin() + 1, header.dims.end(), dims.begin() + 1, dims.end()))
        return ArrayError(
            path,
            absl::StrCat(DTypeName(header.dtype), " [", absl::StrJoin(header.dims, ", "), "]"),
            absl::StrCat("the type and width of ", paths[0], " are needed"));
      if (__builtin_add_overflow(dims[0], header.dims[0], &dims[0]))
        return ArrayError(path, "too long", "at most 2^63 rows are possible");
    }
    const std::string place =
        paths.size() == 1 ? paths[0] : absl::StrCat(paths[0], " and further files");
    return ArraySource::OfData(dtype, false, dims, std::make_unique<ChunkBytes>(std::move(paths)),
                               place);
  }

  std::string folder_;
  std::string path_;
  Json metadata_ = Json::object();
};

bool IsDglFolder(const std::string& from) {
  const std::string path = from + "/metadata.json";
  if (!FileExists(path)) return false;
  const absl::StatusOr<Json> json = ReadJson(path, kMaxMetadataBytes);
  return json.ok() && json->is_object() && json->contains("num_nodes_per_chunk");
}

}  // namespace

extern constinit const ImportFormat kDglFormat = {
    .name = "dgl",
    .recognised_by = "a folder with DGL's metadata.json of chunks",
    .recognises = IsDglFolder,
    .read = [](const ImportOptions& options, ImportTarget& target,
               ThreadPool& pool) { return DglImporter().Read(options, target, pool); },
    .measure = [](const ImportOptions& options) { return DglImporter().Measure(options); },
};

}  // namespace quadhop
