// Small graphs and stores as an importer leaves them, for the tests of what comes after.
#pragma once

#include <absl/status/status.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

struct TestGraph {
  bool directed = false;
  std::vector<int64_t> indptr;
  std::vector<uint32_t> indices;

  int64_t num_nodes() const { return static_cast<int64_t>(indptr.size()) - 1; }
  Topology topology() const { return {indptr, indices, {}}; }
};

using TestArcs = std::vector<std::pair<uint32_t, uint32_t>>;

// Undirected: both directions of each.
inline TestGraph GraphOf(int64_t num_nodes, TestArcs arcs, bool directed = false) {
  if (!directed) {
    const TestArcs forward = arcs;
    for (const auto& [a, b] : forward) arcs.emplace_back(b, a);
  }
  std::sort(arcs.begin(), arcs.end());
  arcs.erase(std::unique(arcs.begin(), arcs.end()), arcs.end());
  TestGraph graph{directed, std::vector<int64_t>(static_cast<size_t>(num_nodes) + 1), {}};
  for (const auto& [a, b] : arcs) {
    ++graph.indptr[a + 1];
    graph.indices.push_back(b);
  }
  for (size_t v = 1; v < graph.indptr.size(); ++v) graph.indptr[v] += graph.indptr[v - 1];
  return graph;
}

// Without self-loops; some nodes may have no arcs.
inline TestGraph RandomGraph(int64_t num_nodes, int64_t num_arcs, bool directed, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kTest, 0, 0);
  TestArcs arcs;
  while (static_cast<int64_t>(arcs.size()) < num_arcs) {
    const auto a = static_cast<uint32_t>(random.Below(static_cast<uint64_t>(num_nodes)));
    const auto b = static_cast<uint32_t>(random.Below(static_cast<uint64_t>(num_nodes)));
    if (a != b) arcs.emplace_back(a, b);
  }
  return GraphOf(num_nodes, std::move(arcs), directed);
}

inline std::vector<float> RandomValues(int64_t count, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kTest, 1, 0);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(random.Normal()));
  return values;
}

struct ImportedStore {
  TestGraph graph;
  std::vector<float> features;  // [N, F]; zeros are left out if sparse
  int32_t width = 0;            // F
  bool sparse = false;
  std::vector<uint8_t> split;  // [N] of SplitPart, or empty: no split
};

template <typename T>
absl::Status AddTestArray(StoreWriter& writer, const std::string& name,
                          const std::vector<int64_t>& dims, const std::vector<T>& values) {
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> data, writer.AddArray(name, DTypeOf<T>(), dims));
  if (!values.empty()) std::memcpy(data.data(), values.data(), data.size());
  return absl::OkStatus();
}

inline absl::Status AddTestFeatures(StoreWriter& writer, const ImportedStore& store) {
  const int64_t n = store.graph.num_nodes();
  if (!store.sparse) return AddTestArray(writer, "raw.npy", {n, store.width}, store.features);
  std::vector<int64_t> indptr = {0};
  std::vector<uint32_t> indices;
  std::vector<float> values;
  for (size_t i = 0; i < store.features.size(); ++i) {
    if (store.features[i] != 0) {
      indices.push_back(static_cast<uint32_t>(i % static_cast<size_t>(store.width)));
      values.push_back(store.features[i]);
    }
    if ((i + 1) % static_cast<size_t>(store.width) == 0)
      indptr.push_back(static_cast<int64_t>(indices.size()));
  }
  const auto nnz = static_cast<int64_t>(indices.size());
  QH_RETURN_IF_ERROR(AddTestArray(writer, "raw.indptr.npy", {n + 1}, indptr));
  QH_RETURN_IF_ERROR(AddTestArray(writer, "raw.indices.npy", {nnz}, indices));
  return AddTestArray(writer, "raw.values.npy", {nnz}, values);
}

inline absl::Status WriteImportedStore(const std::string& path, const ImportedStore& store) {
  ThreadPool pool(1);
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer, StoreWriter::Begin(path));
  writer->manifest().Clear();
  const int64_t n = store.graph.num_nodes();
  const auto num_arcs = static_cast<int64_t>(store.graph.indices.size());
  QH_RETURN_IF_ERROR(AddTestArray(*writer, "indptr.npy", {n + 1}, store.graph.indptr));
  QH_RETURN_IF_ERROR(AddTestArray(*writer, "indices.npy", {num_arcs}, store.graph.indices));
  std::vector<int64_t> ids(static_cast<size_t>(n));
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i);
  QH_RETURN_IF_ERROR(AddTestArray(*writer, "original_ids.npy", {n}, ids));
  if (store.width > 0) QH_RETURN_IF_ERROR(AddTestFeatures(*writer, store));
  StoreManifest& manifest = writer->manifest();
  if (!store.split.empty()) {
    QH_RETURN_IF_ERROR(AddTestArray(*writer, "splits.npy", {1, n}, store.split));
    manifest.add_split_names("only");
  }
  manifest.set_nodes(n);
  manifest.set_arcs(num_arcs);
  manifest.set_directed(store.graph.directed);
  manifest.set_features(store.width);
  Provenance step;
  step.set_step("import");
  return writer->Commit(step, pool);
}

}  // namespace quadhop
