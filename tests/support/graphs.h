// Tiny stores for tests, whose every value is a formula.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/dtype.h"

namespace quadhop {

enum class TinyGraph {
  kPath,           // v - v+1
  kStar,           // 0 - every other node
  kTwoCliques,     // nodes [0, n/2) all joined, [n/2, n) all joined, and n/2-1 - n/2
  kDirectedChain,  // v -> v+1: the last node has no out-neighbour
  kNoArcs,
};

struct TinyStoreOptions {
  TinyGraph graph = TinyGraph::kTwoCliques;
  int64_t graph_nodes = 12;
  int64_t isolated_nodes = 0;  // further nodes without arcs, at the end
  int32_t partitions = 1;      // partition p is nodes [p*N/P, (p+1)*N/P)
  bool wide_ids = false;       // indices as i64 instead of u32
  int32_t features = 4;        // F
  int32_t hops = 2;
  DType feature_dtype = DType::kF32;  // or kF16, kBF16: all values of TinyFeature are exact in them
  int32_t classes = 3;                // C
  bool multi_label = false;
  int32_t pos_enc_width = 2;                     // G; 0: no pos_enc.npy
  std::vector<std::string> splits = {"b", "a"};  // the default is "a"

  int64_t nodes() const { return graph_nodes + isolated_nodes; }  // N
};

struct TinyTopology {
  std::vector<int64_t> indptr;   // [N + 1]
  std::vector<int64_t> indices;  // [E], values in [0, N)
};
TinyTopology MakeTinyTopology(const TinyStoreOptions& options);

// The values in the store. Hop features are formulas too, not the products A^k X.
float TinyFeature(int64_t node, int64_t hop, int64_t column);      // in [-1, 1), a multiple of 1/8
int32_t TinyLabel(const TinyStoreOptions& options, int64_t node);  // node mod C
uint8_t TinyMultiLabel(int64_t node, int64_t column);              // 0 or 1
uint8_t TinySplit(int64_t node,
                  int64_t split_index);  // of SplitPart: 3 of 5 nodes train, 1 valid, 1 test
float TinyPosEnc(int64_t node, int64_t column);  // in [0, 1), a multiple of 1/8
int64_t TinyOriginalId(const TinyStoreOptions& options, int64_t node);  // N - 1 - node

// Writes a store with all its files through StoreWriter, as if import, partition, propagate and
// encode had run.
absl::Status WriteTinyStore(const std::string& path, const TinyStoreOptions& options = {});

}  // namespace quadhop
