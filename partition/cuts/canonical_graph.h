// The graph of a store in the order of original ids, however the store was cut before.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// So a cut depends on the graph and the options, not on earlier cuts. Borrows from the store if its
// nodes are in this order already, else holds a copy (4 or 8 bytes an arc).
class CanonicalGraph {
 public:
  // Bytes that Of(store) will hold.
  static absl::StatusOr<int64_t> BytesOf(const Store& store);
  // kDataLoss if original_ids.npy is not a permutation of [0, N).
  static absl::StatusOr<CanonicalGraph> Of(const Store& store, ThreadPool& pool);
  CanonicalGraph(CanonicalGraph&&) = default;
  CanonicalGraph& operator=(CanonicalGraph&&) = default;

  // Valid as long as this object and the store are.
  const Topology& topology() const { return topology_; }
  // The store's node for each original id.  [N]
  absl::Span<const int64_t> node_of_id() const { return node_of_id_; }
  // 1 for the training nodes of a split.  [N]
  std::vector<uint8_t> TrainingNodes(absl::Span<const uint8_t> split) const;

 private:
  CanonicalGraph() = default;
  Topology topology_;
  std::vector<int64_t> node_of_id_;
  std::vector<int64_t> indptr_;
  std::vector<uint32_t> indices32_;
  std::vector<int64_t> indices64_;
};

}  // namespace quadhop
