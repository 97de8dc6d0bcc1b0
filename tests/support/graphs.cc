#include "tests/support/graphs.h"

#include <absl/types/span.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/status.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

using Arcs = std::vector<std::pair<int64_t, int64_t>>;

void AddEdge(int64_t a, int64_t b, Arcs* arcs) {
  arcs->emplace_back(a, b);
  arcs->emplace_back(b, a);
}

void AddClique(int64_t begin, int64_t end, Arcs* arcs) {
  for (int64_t a = begin; a < end; ++a) {
    for (int64_t b = a + 1; b < end; ++b) AddEdge(a, b, arcs);
  }
}

Arcs MakeArcs(TinyGraph graph, int64_t n) {
  Arcs arcs;
  switch (graph) {
    case TinyGraph::kPath:
      for (int64_t v = 0; v + 1 < n; ++v) AddEdge(v, v + 1, &arcs);
      break;
    case TinyGraph::kStar:
      for (int64_t v = 1; v < n; ++v) AddEdge(0, v, &arcs);
      break;
    case TinyGraph::kTwoCliques:
      AddClique(0, n / 2, &arcs);
      AddClique(n / 2, n, &arcs);
      if (n >= 2) AddEdge(n / 2 - 1, n / 2, &arcs);
      break;
    case TinyGraph::kDirectedChain:
      for (int64_t v = 0; v + 1 < n; ++v) arcs.emplace_back(v, v + 1);
      break;
    case TinyGraph::kNoArcs:
      break;
  }
  std::sort(arcs.begin(), arcs.end());
  return arcs;
}

// Adds an array of T whose i-th element is value(i).
template <typename T, typename Value>
absl::Status AddValues(StoreWriter& writer, const char* name, std::vector<int64_t> dims,
                       Value value) {
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes, writer.AddArray(name, DTypeOf<T>(), dims));
  T* data = reinterpret_cast<T*>(bytes.data());
  const int64_t size = static_cast<int64_t>(bytes.size() / sizeof(T));
  for (int64_t i = 0; i < size; ++i) data[i] = static_cast<T>(value(i));
  return absl::OkStatus();
}

void FillManifest(const TinyStoreOptions& o, int64_t num_arcs, StoreManifest& m) {
  m.Clear();  // a store that stands there is replaced, file by file
  m.set_nodes(o.nodes());
  m.set_arcs(num_arcs);
  m.set_directed(o.graph == TinyGraph::kDirectedChain);
  m.set_features(o.features);
  m.set_hops(o.hops);
  m.set_feature_dtype(DTypeName(o.feature_dtype));
  m.set_classes(o.classes);
  m.set_multi_label(o.multi_label);
  m.set_pos_enc_width(o.pos_enc_width);
  for (int64_t p = 0; p <= o.partitions; ++p) m.add_partition_offsets(p * o.nodes() / o.partitions);
  for (const std::string& split : o.splits) m.add_split_names(split);
  for (const char* step : {"import", "partition", "propagate", "encode"}) {
    if (o.pos_enc_width > 0 || std::string(step) != "encode") m.add_provenance()->set_step(step);
  }
}

absl::Status AddTopology(const TinyStoreOptions& o, const TinyTopology& topology,
                         StoreWriter& writer) {
  const auto at = [](const std::vector<int64_t>& values) {
    return [&values](int64_t i) { return values[static_cast<size_t>(i)]; };
  };
  const std::vector<int64_t> dims = {static_cast<int64_t>(topology.indices.size())};
  QH_RETURN_IF_ERROR(
      AddValues<int64_t>(writer, "indptr.npy", {o.nodes() + 1}, at(topology.indptr)));
  return o.wide_ids ? AddValues<int64_t>(writer, "indices.npy", dims, at(topology.indices))
                    : AddValues<uint32_t>(writer, "indices.npy", dims, at(topology.indices));
}

absl::Status AddFeatures(const TinyStoreOptions& o, StoreWriter& writer) {
  const int64_t tokens = 1 + o.hops;
  QH_ASSIGN_OR_RETURN(
      const absl::Span<uint8_t> bytes,
      writer.AddArray("features.npy", o.feature_dtype, {o.nodes(), tokens, o.features}));
  std::vector<float> values;
  for (int64_t v = 0; v < o.nodes(); ++v) {
    for (int64_t hop = 0; hop < tokens; ++hop) {
      for (int64_t f = 0; f < o.features; ++f) values.push_back(TinyFeature(v, hop, f));
    }
  }
  ConvertFromFloat(o.feature_dtype, values.data(), static_cast<int64_t>(values.size()),
                   bytes.data());
  return absl::OkStatus();
}

absl::Status AddTargets(const TinyStoreOptions& o, StoreWriter& writer) {
  const int64_t n = o.nodes();
  const int64_t num_splits = static_cast<int64_t>(o.splits.size());
  QH_RETURN_IF_ERROR(AddValues<uint8_t>(writer, "splits.npy", {num_splits, n},
                                        [&](int64_t i) { return TinySplit(i % n, i / n); }));
  if (!o.multi_label)
    return AddValues<int32_t>(writer, "labels.npy", {n},
                              [&](int64_t v) { return TinyLabel(o, v); });
  return AddValues<uint8_t>(writer, "labels.npy", {n, o.classes}, [&](int64_t i) {
    return TinyMultiLabel(i / o.classes, i % o.classes);
  });
}

}  // namespace

TinyTopology MakeTinyTopology(const TinyStoreOptions& options) {
  TinyTopology topology;
  topology.indptr.assign(static_cast<size_t>(options.nodes()) + 1, 0);
  for (const auto& [from, to] : MakeArcs(options.graph, options.graph_nodes)) {
    ++topology.indptr[static_cast<size_t>(from) + 1];
    topology.indices.push_back(to);
  }
  for (size_t v = 1; v < topology.indptr.size(); ++v) topology.indptr[v] += topology.indptr[v - 1];
  return topology;
}

float TinyFeature(int64_t node, int64_t hop, int64_t column) {
  return static_cast<float>((node * 7 + hop * 5 + column * 3) % 16 - 8) / 8.0f;
}
int32_t TinyLabel(const TinyStoreOptions& options, int64_t node) {
  return static_cast<int32_t>(node % options.classes);
}
uint8_t TinyMultiLabel(int64_t node, int64_t column) { return (node + 1) * (column + 1) % 3 == 0; }
uint8_t TinySplit(int64_t node, int64_t split_index) {
  constexpr SplitPart kParts[] = {SplitPart::kTrain, SplitPart::kTrain, SplitPart::kValid,
                                  SplitPart::kTrain, SplitPart::kTest};
  return static_cast<uint8_t>(kParts[(node + split_index) % 5]);
}
float TinyPosEnc(int64_t node, int64_t column) {
  return static_cast<float>((node * 3 + column) % 8) / 8.0f;
}
int64_t TinyOriginalId(const TinyStoreOptions& options, int64_t node) {
  return options.nodes() - 1 - node;
}

absl::Status WriteTinyStore(const std::string& path, const TinyStoreOptions& options) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer, StoreWriter::Begin(path));
  const TinyTopology topology = MakeTinyTopology(options);
  FillManifest(options, static_cast<int64_t>(topology.indices.size()), writer->manifest());
  QH_RETURN_IF_ERROR(AddTopology(options, topology, *writer));
  QH_RETURN_IF_ERROR(AddFeatures(options, *writer));
  QH_RETURN_IF_ERROR(AddTargets(options, *writer));
  if (const int64_t width = options.pos_enc_width; width > 0) {
    QH_RETURN_IF_ERROR(
        AddValues<float>(*writer, "pos_enc.npy", {options.nodes(), width},
                         [&](int64_t i) { return TinyPosEnc(i / width, i % width); }));
  }
  QH_RETURN_IF_ERROR(AddValues<int64_t>(*writer, "original_ids.npy", {options.nodes()},
                                        [&](int64_t v) { return TinyOriginalId(options, v); }));
  Provenance step;
  step.set_step("import");
  step.set_options("tiny=1");
  ThreadPool pool(1);
  return writer->Commit(step, pool);
}

}  // namespace quadhop
