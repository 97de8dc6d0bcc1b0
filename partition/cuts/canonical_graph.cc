#include "partition/cuts/canonical_graph.h"

#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "partition/graph/renumber.h"

namespace quadhop {

absl::StatusOr<int64_t> CanonicalGraph::BytesOf(const Store& store) {
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> ids, store.original_ids());
  QH_ASSIGN_OR_RETURN(const Topology stored, store.topology());
  size_t words = ids.size(), half_words = 0;
  if (!std::is_sorted(ids.begin(), ids.end())) {
    words += stored.indptr.size() + stored.indices64.size();
    half_words = stored.indices32.size();
  }
  return static_cast<int64_t>(words * sizeof(int64_t) + half_words * sizeof(uint32_t));
}

absl::StatusOr<CanonicalGraph> CanonicalGraph::Of(const Store& store, ThreadPool& pool) {
  CanonicalGraph graph;
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> ids, store.original_ids());
  QH_ASSIGN_OR_RETURN(graph.topology_, store.topology());
  graph.node_of_id_.assign(ids.size(), -1);
  for (size_t node = 0; node < ids.size(); ++node) {
    const int64_t id = ids[node];
    if (id < 0 || id >= static_cast<int64_t>(ids.size()) ||
        graph.node_of_id_[static_cast<size_t>(id)] >= 0)
      return absl::DataLossError(absl::StrCat(store.path(),
                                              "/original_ids.npy is not a permutation: node ", node,
                                              " has id ", id, ": run `quadhop import` again"));
    graph.node_of_id_[static_cast<size_t>(id)] = static_cast<int64_t>(node);
  }
  if (std::is_sorted(ids.begin(), ids.end())) return graph;

  const Numbering numbering = Numbering::FromOldOfNew(graph.node_of_id_);
  const Topology stored = graph.topology_;
  graph.indptr_.resize(stored.indptr.size());
  graph.topology_ = Topology();
  if (stored.indices64.empty()) {
    graph.indices32_.resize(stored.indices32.size());
    RenumberTopology(stored, numbering, absl::MakeSpan(graph.indptr_),
                     absl::MakeSpan(graph.indices32_), pool);
    graph.topology_.indices32 = graph.indices32_;
  } else {
    graph.indices64_.resize(stored.indices64.size());
    RenumberTopology(stored, numbering, absl::MakeSpan(graph.indptr_),
                     absl::MakeSpan(graph.indices64_), pool);
    graph.topology_.indices64 = graph.indices64_;
  }
  graph.topology_.indptr = graph.indptr_;
  return graph;
}

std::vector<uint8_t> CanonicalGraph::TrainingNodes(absl::Span<const uint8_t> split) const {
  std::vector<uint8_t> train(node_of_id_.size());
  for (size_t id = 0; id < train.size(); ++id)
    train[id] =
        split[static_cast<size_t>(node_of_id_[id])] == static_cast<uint8_t>(SplitPart::kTrain);
  return train;
}

}  // namespace quadhop
