#include "tests/partition/import/formats/format_writers.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <matio.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/arrays/npy.h"
#include "core/base/check.h"
#include "tests/partition/import/arrays/pickle_writers.h"

namespace quadhop {
namespace {

size_t Z(int64_t i) { return static_cast<size_t>(i); }

void WriteText(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

template <typename T>
std::vector<T> As(const std::vector<int64_t>& values) {
  return {values.begin(), values.end()};
}

// [2, E] and [E, 2] of the edges as they stand.
std::vector<int64_t> EdgeRows(const LittleGraph& graph) {
  std::vector<int64_t> rows;
  for (const auto& edge : graph.edges) rows.push_back(edge.first);
  for (const auto& edge : graph.edges) rows.push_back(edge.second);
  return rows;
}
std::vector<int64_t> EdgePairs(const LittleGraph& graph) {
  std::vector<int64_t> pairs;
  for (const auto& edge : graph.edges) pairs.insert(pairs.end(), {edge.first, edge.second});
  return pairs;
}
int64_t NumEdges(const LittleGraph& graph) { return static_cast<int64_t>(graph.edges.size()); }

struct Csr {
  std::vector<int32_t> indptr = {0};
  std::vector<int32_t> indices;
};
Csr FullAdjacency(const LittleGraph& graph) {
  Csr csr;
  for (const auto& row : graph.Neighbors()) {
    csr.indices.insert(csr.indices.end(), row.begin(), row.end());
    csr.indptr.push_back(static_cast<int32_t>(csr.indices.size()));
  }
  return csr;
}

std::vector<uint8_t> Mask(const LittleGraph& graph, uint8_t part) {
  std::vector<uint8_t> mask;
  for (const uint8_t of : graph.split) mask.push_back(of == part);
  return mask;
}

std::string IdsOf(const LittleGraph& graph, uint8_t part, const char* separator) {
  std::vector<size_t> ids;
  for (size_t v = 0; v < graph.split.size(); ++v)
    if (graph.split[v] == part) ids.push_back(v);
  return absl::StrJoin(ids, separator);
}

void WriteSplitFolder(const LittleGraph& graph, const std::string& folder) {
  const char* names[] = {"", "train", "valid", "test"};
  for (uint8_t part = 1; part <= 3; ++part)
    WriteText(absl::StrCat(folder, "/split/time/", names[part], ".csv"),
              IdsOf(graph, part, "\n") + "\n");
}

void WriteCompanions(const LittleGraph& graph, const std::string& folder) {
  // Features in column order, and in half precision, for once.
  std::vector<uint16_t> columns;
  for (int64_t c = 0; c < graph.kFeatures; ++c)
    for (int64_t v = 0; v < graph.kNodes; ++v)
      columns.push_back(FloatToF16(graph.features[Z(v * graph.kFeatures + c)]));
  WriteText(folder + "/x.npy",
            NpyOf(DType::kF16, {graph.kNodes, graph.kFeatures}, BytesOf(columns), true));
  WriteText(folder + "/y.npy", NpyOf({graph.kNodes}, As<int8_t>(graph.labels)));
  WriteText(folder + "/s.npy", NpyOf({graph.kNodes}, graph.split));
}

WrittenInput WriteOgb(const LittleGraph& graph, const std::string& folder) {
  const auto rows = [](const auto& values, size_t width) {
    std::string text;
    for (size_t i = 0; i < values.size(); ++i)
      absl::StrAppend(&text, values[i], (i + 1) % width == 0 ? "\n" : ",");
    return text;
  };
  WriteText(folder + "/raw/edge.csv", rows(EdgePairs(graph), 2));
  WriteText(folder + "/raw/num-node-list.csv", "6\n");
  WriteText(folder + "/raw/num-edge-list.csv", "4\n");
  WriteText(folder + "/raw/node-feat.csv", rows(graph.features, 3));
  WriteText(folder + "/raw/node-label.csv", rows(graph.labels, 1));
  WriteSplitFolder(graph, folder);
  return {folder};
}

WrittenInput WriteOgbBinary(const LittleGraph& graph, const std::string& folder) {
  std::filesystem::create_directories(folder + "/raw");
  WriteZip(folder + "/raw/data.npz",
           {{"edge_index.npy", NpyOf({2, NumEdges(graph)}, EdgeRows(graph))},
            {"num_nodes_list.npy", NpyOf<int64_t>({1}, {graph.kNodes})},
            {"num_edges_list.npy", NpyOf<int64_t>({1}, {NumEdges(graph)})},
            {"node_feat.npy", NpyOf({graph.kNodes, graph.kFeatures}, graph.features)}});
  WriteZip(folder + "/raw/node-label.npz",
           {{"node_label.npy", NpyOf({graph.kNodes, 1}, As<float>(graph.labels))}});
  WriteSplitFolder(graph, folder);
  return {folder};
}

WrittenInput WriteOgbUnzipped(const LittleGraph& graph, const std::string& folder) {
  WriteText(folder + "/raw/edge_index.npy", NpyOf({2, NumEdges(graph)}, EdgeRows(graph)));
  WriteText(folder + "/raw/node_feat.npy", NpyOf({graph.kNodes, graph.kFeatures}, graph.features));
  WriteText(folder + "/raw/node_label.npy", NpyOf({graph.kNodes, 1}, As<float>(graph.labels)));
  WriteSplitFolder(graph, folder);
  return {folder};
}

// The adjacency of the edges as they stand: one direction.
Csr StoredAdjacency(const LittleGraph& graph) {
  std::vector<std::vector<int32_t>> rows(Z(graph.kNodes));
  for (const auto& edge : graph.edges)
    rows[Z(edge.first)].push_back(static_cast<int32_t>(edge.second));
  Csr csr;
  for (const auto& row : rows) {
    csr.indices.insert(csr.indices.end(), row.begin(), row.end());
    csr.indptr.push_back(static_cast<int32_t>(csr.indices.size()));
  }
  return csr;
}

WrittenInput WriteShchur(const LittleGraph& graph, const std::string& folder) {
  const Csr adjacency = StoredAdjacency(graph);
  const std::vector<float> ones(adjacency.indices.size(), 1.0f);
  const auto nnz = static_cast<int64_t>(graph.FeatureIndices().size());
  WriteZip(folder + "/g.npz",
           {{"adj_data.npy", NpyOf({NumEdges(graph)}, ones)},
            {"adj_indices.npy", NpyOf({NumEdges(graph)}, adjacency.indices)},
            {"adj_indptr.npy", NpyOf({graph.kNodes + 1}, adjacency.indptr)},
            {"adj_shape.npy", NpyOf<int64_t>({2}, {graph.kNodes, graph.kNodes})},
            {"attr_data.npy", NpyOf({nnz}, graph.FeatureValues())},
            {"attr_indices.npy", NpyOf({nnz}, graph.FeatureIndices())},
            {"attr_indptr.npy", NpyOf({graph.kNodes + 1}, graph.FeatureIndptr())},
            {"attr_shape.npy", NpyOf<int64_t>({2}, {graph.kNodes, graph.kFeatures})},
            {"labels.npy", NpyOf({graph.kNodes}, As<int8_t>(graph.labels))}},
           /*deflate=*/false);
  return {folder + "/g.npz", false};
}

WrittenInput WriteShchurPickled(const LittleGraph& graph, const std::string& folder) {
  const Csr adjacency = StoredAdjacency(graph);
  const std::vector<float> ones(adjacency.indices.size(), 1.0f);
  WriteZip(folder + "/g.npz",
           {{"adj_matrix.npy", NpyOfObject(PickledCsr(graph.kNodes, graph.kNodes, adjacency.indptr,
                                                      adjacency.indices, ones))},
            {"node_attr.npy",
             NpyOfObject(PickledCsr(graph.kNodes, graph.kFeatures, graph.FeatureIndptr(),
                                    graph.FeatureIndices(), graph.FeatureValues()))},
            {"node_label.npy", NpyOf({graph.kNodes}, As<int32_t>(graph.labels))}});
  return {folder + "/g.npz", false};
}

WrittenInput WritePyg(const LittleGraph& graph, const std::string& folder) {
  WriteZip(folder + "/g.npz", {{"edge_index.npy", NpyOf({2, NumEdges(graph)}, EdgeRows(graph))},
                               {"x.npy", NpyOf({graph.kNodes, graph.kFeatures}, graph.features)},
                               {"y.npy", NpyOf({graph.kNodes, 1}, graph.labels)},
                               {"train_mask.npy", NpyOf({graph.kNodes}, Mask(graph, 1))},
                               {"val_mask.npy", NpyOf({graph.kNodes}, Mask(graph, 2))},
                               {"test_mask.npy", NpyOf({graph.kNodes}, Mask(graph, 3))}});
  return {folder + "/g.npz"};
}

// A Data and its slices, as a dataset of PyTorch Geometric keeps them; arcs are a transposed view.
WrittenInput WritePygTorch(const LittleGraph& graph, const std::string& folder) {
  std::map<std::string, std::string> members;
  std::string mapping = "}(";
  const auto add = [&](const char* name, const char* storage, const std::vector<int64_t>& dims,
                       const std::vector<int64_t>& strides, const auto& values) {
    const std::string key = absl::StrCat(members.size());
    absl::StrAppend(
        &mapping, PickledText(name),
        PickledTensor(storage, key, static_cast<int64_t>(values.size()), 0, dims, strides));
    members["little/data/" + key] = BytesOf(values);
  };
  add("x", "FloatStorage", {graph.kNodes, graph.kFeatures}, {graph.kFeatures, 1}, graph.features);
  add("edge_index", "LongStorage", {2, NumEdges(graph)}, {1, 2}, EdgePairs(graph));
  add("y", "LongStorage", {graph.kNodes}, {1}, graph.labels);
  add("train_mask", "BoolStorage", {graph.kNodes}, {1}, Mask(graph, 1));
  add("val_mask", "BoolStorage", {graph.kNodes}, {1}, Mask(graph, 2));
  add("test_mask", "BoolStorage", {graph.kNodes}, {1}, Mask(graph, 3));
  const auto object = [](const std::string& module, const std::string& name,
                         const std::string& attribute, const std::string& value) {
    return absl::StrCat(PickledGlobal("torch_geometric.data." + module, name), ")\x81}",
                        PickledText(attribute), value, "sb");
  };
  members["little/data.pkl"] =
      Pickled(object("data", "Data", "_store",
                     object("storage", "GlobalStorage", "_mapping", mapping + "u")) +
              "N\x86");
  WriteZip(folder + "/g.pt", members, /*deflate=*/false);
  return {folder + "/g.pt"};
}

WrittenInput WriteHeterophilous(const LittleGraph& graph, const std::string& folder) {
  // Two equal splits; the masks of one in column order.
  std::vector<uint8_t> train = Mask(graph, 1), valid, test = Mask(graph, 3);
  for (const uint8_t value : Mask(graph, 2)) valid.insert(valid.end(), {value, value});
  train.insert(train.end(), train.begin(), train.begin() + graph.kNodes);
  test.insert(test.end(), test.begin(), test.begin() + graph.kNodes);
  WriteZip(folder + "/g.npz",
           {{"node_features.npy", NpyOf({graph.kNodes, graph.kFeatures}, graph.features)},
            {"node_labels.npy", NpyOf({graph.kNodes}, graph.labels)},
            {"edges.npy", NpyOf({NumEdges(graph), 2}, EdgePairs(graph))},
            {"train_masks.npy", NpyOf({2, graph.kNodes}, train)},
            {"val_masks.npy", NpyOf({2, graph.kNodes}, valid, /*fortran_order=*/true)},
            {"test_masks.npy", NpyOf({2, graph.kNodes}, test)}});
  return {folder + "/g.npz"};
}

WrittenInput WritePlanetoid(const LittleGraph& graph, const std::string& folder) {
  const auto one_hot = [&](int64_t begin, int64_t end) {
    std::vector<int32_t> table;
    for (int64_t v = begin; v < end; ++v)
      for (int64_t c = 0; c < 3; ++c) table.push_back(graph.labels[Z(v)] == c);
    return Pickled(PickledArray("i4", {end - begin, 3}, BytesOf(table)));
  };
  const auto rows = [&](int64_t begin, int64_t end) {
    return Pickled(PickledCsr(end - begin, graph.kFeatures, graph.FeatureIndptr(begin, end),
                              graph.FeatureIndices(begin, end), graph.FeatureValues(begin, end)));
  };
  const std::string prefix = folder + "/ind.little.";
  WriteText(prefix + "x", rows(0, 2));
  WriteText(prefix + "y", one_hot(0, 2));
  WriteText(prefix + "allx", rows(0, 4));
  WriteText(prefix + "ally", one_hot(0, 4));
  WriteText(prefix + "tx", rows(4, 6));
  WriteText(prefix + "ty", one_hot(4, 6));
  WriteText(prefix + "graph", Pickled(PickledLists(graph.Neighbors())));
  WriteText(prefix + "test.index",
            "\xef\xbb\xbf"
            "4\n5\n");
  return {folder + "/ind.little"};
}

WrittenInput WriteGraphSaint(const LittleGraph& graph, const std::string& folder) {
  const Csr adjacency = FullAdjacency(graph);
  const auto nnz = static_cast<int64_t>(adjacency.indices.size());
  WriteZip(folder + "/adj_full.npz",
           {{"data.npy", NpyOf({nnz}, std::vector<uint8_t>(adjacency.indices.size(), 1))},
            {"indices.npy", NpyOf({nnz}, adjacency.indices)},
            {"indptr.npy", NpyOf({graph.kNodes + 1}, adjacency.indptr)},
            {"shape.npy", NpyOf<int64_t>({2}, {graph.kNodes, graph.kNodes})}});
  const std::vector<double> doubles(graph.features.begin(), graph.features.end());
  WriteText(folder + "/feats.npy", NpyOf({graph.kNodes, graph.kFeatures}, doubles));
  std::vector<std::string> classes;
  for (size_t v = 0; v < graph.labels.size(); ++v)
    classes.push_back(absl::StrCat("\"", v, "\": ", graph.labels[v]));
  WriteText(folder + "/class_map.json", absl::StrCat("{", absl::StrJoin(classes, ", "), "}"));
  WriteText(folder + "/role.json",
            absl::StrCat("{\"tr\": [", IdsOf(graph, 1, ", "), "], \"va\": [", IdsOf(graph, 2, ", "),
                         "], \"te\": [", IdsOf(graph, 3, ", "), "]}"));
  return {folder};
}

WrittenInput WriteScipy(const LittleGraph& graph, const std::string& folder) {
  const Csr adjacency = StoredAdjacency(graph);
  WriteZip(folder + "/a.npz", {{"indices.npy", NpyOf({NumEdges(graph)}, adjacency.indices)},
                               {"indptr.npy", NpyOf({graph.kNodes + 1}, adjacency.indptr)},
                               {"shape.npy", NpyOf<int64_t>({2}, {graph.kNodes, graph.kNodes})}});
  WriteCompanions(graph, folder);
  return {folder + "/a.npz", true, true};
}

WrittenInput WriteArrays(const LittleGraph& graph, const std::string& folder) {
  WriteText(folder + "/arcs.npy", NpyOf({NumEdges(graph), 2}, As<int32_t>(EdgePairs(graph))));
  WriteCompanions(graph, folder);
  return {folder + "/arcs.npy", true, true};
}

WrittenInput WriteEdgeList(const LittleGraph& graph, const std::string& folder) {
  std::string text = "# Undirected graph\n# FromNodeId\tToNodeId\n";
  for (const auto& edge : graph.edges) absl::StrAppend(&text, edge.first, "\t", edge.second, "\n");
  WriteText(folder + "/edges.txt", text);
  WriteCompanions(graph, folder);
  return {folder + "/edges.txt", true, true};
}

// As pandas writes it, with all that is known of a node.
WrittenInput WriteTables(const LittleGraph& graph, const std::string& folder) {
  constexpr const char* kParts[] = {"", "train", "valid", "test"};
  std::string nodes = "id,text,x0,x1,label,split,x2\n", edges = "src,dst,since\n";
  for (size_t v = 0; v < graph.labels.size(); ++v)
    absl::StrAppend(&nodes, "node ", v, ",\"a, b\",", graph.features[3 * v], ",",
                    graph.features[3 * v + 1], ",", graph.labels[v], ",", kParts[graph.split[v]],
                    ",", graph.features[3 * v + 2], "\n");
  for (const auto& edge : graph.edges)
    absl::StrAppend(&edges, "node ", edge.first, ",node ", edge.second, ",2001\n");
  WriteText(folder + "/nodes.csv", nodes);
  WriteText(folder + "/edges.csv", edges);
  return {folder + "/edges.csv", true, false, folder + "/nodes.csv"};
}

// As LINQS writes it: in tabs, without a header, with the class at the end of the line.
WrittenInput WriteContent(const LittleGraph& graph, const std::string& folder) {
  std::string nodes, edges;
  for (size_t v = 0; v < graph.labels.size(); ++v)
    absl::StrAppend(&nodes, "p", v, "\t", graph.features[3 * v], "\t", graph.features[3 * v + 1],
                    "\t", graph.features[3 * v + 2], "\tClass_", graph.labels[v], "\n");
  for (const auto& edge : graph.edges)
    absl::StrAppend(&edges, "p", edge.first, "\tp", edge.second, "\n");
  WriteText(folder + "/little.content", nodes);
  WriteText(folder + "/little.cites", edges);
  return {folder + "/little.cites", false, false, folder + "/little.content"};
}

WrittenInput WriteMatrixMarket(const LittleGraph& graph, const std::string& folder) {
  std::string text = "%%MatrixMarket matrix coordinate real symmetric\n% a comment\n6 6 4\n";
  for (const auto& edge : graph.edges)
    absl::StrAppend(&text, edge.first + 1, " ", edge.second + 1, " 0.5\n");
  WriteText(folder + "/g.mtx", text);
  WriteCompanions(graph, folder);
  return {folder + "/g.mtx", true, true};
}

WrittenInput WriteMetisGraph(const LittleGraph& graph, const std::string& folder) {
  std::string text = "% a comment\n6 4 011 1\n";
  int64_t node = 0;
  for (const auto& row : graph.Neighbors()) {
    text += "9";  // the node's weight
    for (const int64_t neighbor : row) absl::StrAppend(&text, " ", neighbor + 1, " 7");
    text += ++node == 2 ? "\n% another\n" : "\n";
  }
  WriteText(folder + "/g.graph", text);
  WriteCompanions(graph, folder);
  return {folder + "/g.graph", true, true};
}

WrittenInput WriteDgl(const LittleGraph& graph, const std::string& folder) {
  WriteText(folder + "/edges/0.csv", "0 1\n2 0\n");
  WriteText(folder + "/edges/1.csv", "1 2\n4 3\n");
  const auto half = graph.features.begin() + 9;
  WriteText(folder + "/feat-0.npy",
            NpyOf({3, 3}, std::vector<float>(graph.features.begin(), half)));
  WriteText(folder + "/feat-1.npy", NpyOf({3, 3}, std::vector<float>(half, graph.features.end())));
  WriteText(folder + "/label.npy", NpyOf({6}, graph.labels));
  const char* names[] = {"", "train_mask", "val_mask", "test_mask"};
  std::string masks;
  for (uint8_t part = 1; part <= 3; ++part) {
    WriteText(absl::StrCat(folder, "/", names[part], ".npy"), NpyOf({6}, Mask(graph, part)));
    absl::StrAppend(&masks, ", \"", names[part],
                    "\": {\"format\": {\"name\": \"numpy\"}, \"data\": [\"", names[part],
                    ".npy\"]}");
  }
  WriteText(folder + "/metadata.json", absl::StrCat(R"({"graph_name": "little", "node_type": ["n"],
    "num_nodes_per_chunk": [[3, 3]], "edge_type": ["n:r:n"], "num_edges_per_chunk": [[2, 2]],
    "edges": {"n:r:n": {"format": {"name": "csv", "delimiter": " "},
                        "data": ["edges/0.csv", "edges/1.csv"]}},
    "node_data": {"n": {"feat": {"format": {"name": "numpy"}, "data": ["feat-0.npy", "feat-1.npy"]},
                        "label": {"format": {"name": "numpy"}, "data": ["label.npy"]})",
                                                    masks, "}}, \"edge_data\": {}}"));
  return {folder};
}

WrittenInput WriteLinkx(const LittleGraph& graph, const std::string& folder) {
  mat_t* const mat = Mat_CreateVer((folder + "/g.mat").c_str(), nullptr, MAT_FT_MAT5);
  QH_CHECK(mat != nullptr);
  const auto write = [&](const char* name, matio_classes type, matio_types data_type, size_t rows,
                         size_t columns, void* data, matio_compression compression) {
    size_t dims[] = {rows, columns};
    matvar_t* const variable = Mat_VarCreate(name, type, data_type, 2, dims, data, 0);
    QH_CHECK_EQ(Mat_VarWrite(mat, variable, compression), 0);
    Mat_VarFree(variable);
  };
  std::vector<int32_t> edges = As<int32_t>(EdgePairs(graph));  // [2, E] by columns
  write("edge_index", MAT_C_INT32, MAT_T_INT32, 2, graph.edges.size(), edges.data(),
        MAT_COMPRESSION_ZLIB);
  std::vector<float> columns;
  for (int64_t c = 0; c < graph.kFeatures; ++c)
    for (int64_t v = 0; v < graph.kNodes; ++v)
      columns.push_back(graph.features[Z(v * graph.kFeatures + c)]);
  write("node_feat", MAT_C_SINGLE, MAT_T_SINGLE, 6, 3, columns.data(), MAT_COMPRESSION_NONE);
  std::vector<int64_t> labels = graph.labels;
  write("label", MAT_C_INT64, MAT_T_INT64, 1, 6, labels.data(), MAT_COMPRESSION_ZLIB);
  Mat_Close(mat);
  return {folder + "/g.mat", false};
}

using Writer = WrittenInput (*)(const LittleGraph&, const std::string&);
const std::map<std::string, Writer>& Writers() {
  static const auto* const kWriters =
      new std::map<std::string, Writer>{{"ogb", WriteOgb},
                                        {"ogb-binary", WriteOgbBinary},
                                        {"ogb-binary/unzipped", WriteOgbUnzipped},
                                        {"shchur", WriteShchur},
                                        {"shchur/pickled", WriteShchurPickled},
                                        {"pyg", WritePyg},
                                        {"pyg/torch", WritePygTorch},
                                        {"pyg/heterophilous", WriteHeterophilous},
                                        {"planetoid", WritePlanetoid},
                                        {"graphsaint", WriteGraphSaint},
                                        {"arrays", WriteArrays},
                                        {"edge-list", WriteEdgeList},
                                        {"tables", WriteTables},
                                        {"tables/content", WriteContent},
                                        {"matrix-market", WriteMatrixMarket},
                                        {"metis-graph", WriteMetisGraph},
                                        {"dgl", WriteDgl},
                                        {"linkx", WriteLinkx},
                                        {"scipy", WriteScipy}};
  return *kWriters;
}

}  // namespace

std::string NpyOf(DType dtype, std::vector<int64_t> dims, const std::string& data,
                  bool fortran_order) {
  std::string header = NpyHeaderBytes(dtype, dims);
  if (fortran_order) header = absl::StrReplaceAll(header, {{"False", "True "}});
  return header + data;
}

void WriteZip(const std::string& path, const std::map<std::string, std::string>& members,
              bool deflate) {
  int code = 0;
  zip_t* const zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  QH_CHECK(zip != nullptr);
  for (const auto& [name, data] : members) {
    zip_source_t* const source = zip_source_buffer(zip, data.data(), data.size(), 0);
    const zip_int64_t index = zip_file_add(zip, name.c_str(), source, 0);
    QH_CHECK_GE(index, 0);
    QH_CHECK_EQ(zip_set_file_compression(zip, static_cast<zip_uint64_t>(index),
                                         deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0),
                0);
  }
  QH_CHECK_EQ(zip_close(zip), 0);
}

std::vector<std::vector<int64_t>> LittleGraph::Neighbors() const {
  std::vector<std::vector<int64_t>> rows(Z(kNodes));
  for (const auto& edge : edges) {
    rows[Z(edge.first)].push_back(edge.second);
    rows[Z(edge.second)].push_back(edge.first);
  }
  for (auto& row : rows) std::sort(row.begin(), row.end());
  return rows;
}

std::vector<int32_t> LittleGraph::FeatureIndptr(int64_t begin, int64_t end) const {
  std::vector<int32_t> indptr = {0};
  for (int64_t v = begin; v < end; ++v)
    indptr.push_back(
        indptr.back() +
        static_cast<int32_t>(kFeatures - std::count(features.begin() + v * kFeatures,
                                                    features.begin() + (v + 1) * kFeatures, 0.0f)));
  return indptr;
}

std::vector<int32_t> LittleGraph::FeatureIndices(int64_t begin, int64_t end) const {
  std::vector<int32_t> indices;
  for (int64_t i = begin * kFeatures; i < end * kFeatures; ++i)
    if (features[Z(i)] != 0) indices.push_back(static_cast<int32_t>(i % kFeatures));
  return indices;
}

std::vector<float> LittleGraph::FeatureValues(int64_t begin, int64_t end) const {
  std::vector<float> values;
  for (int64_t i = begin * kFeatures; i < end * kFeatures; ++i)
    if (features[Z(i)] != 0) values.push_back(features[Z(i)]);
  return values;
}

std::vector<std::string> WritableFormats() {
  std::vector<std::string> names;
  for (const auto& [name, writer] : Writers()) names.push_back(name);
  return names;
}

WrittenInput WriteLittleGraph(const std::string& format, const std::string& folder) {
  return Writers().at(format)(LittleGraph(), folder);
}

}  // namespace quadhop
