// What the forward and backward passes of the local module share: one tile of nodes and its rows in
// the activations.
#pragma once

#include <algorithm>
#include <cstring>

#include "model/cpu/gemm.h"
#include "model/cpu/kernels_cpu.h"
#include "model/cpu/row_ops.h"
#include "model/local_weights.h"

namespace quadhop::cpu {

// Sizes of a tile of nodes, from dims and the tile.
struct LocalTile {
  LocalTile(const LargeGTDims& dims, int64_t first_node, int64_t end_node)
      : node(first_node),
        nodes(end_node - first_node),
        tokens(dims.sequence()),
        rows(nodes * tokens),
        first_row(first_node * tokens),
        features(dims.features),
        width(dims.width),
        wide(dims.wide()),
        heads(dims.heads) {}

  int64_t node;  // first node of the tile, a row of the batch
  int64_t nodes;
  int64_t tokens;     // S
  int64_t rows;       // tokens of all nodes of the tile
  int64_t first_row;  // row of the tile's first token in [B*S, .]
  int64_t features;   // F
  int64_t width;      // H
  int64_t wide;       // h*H
  int64_t heads;      // h
};

// Nodes a tile: as many as kTileTokens tokens allow.
inline int64_t TileNodes(const LargeGTDims& dims) {
  return std::max<int64_t>(1, kTileTokens / dims.sequence());
}

// The tokens of a tile: x [rows, F]. A sampled node's tokens are one contiguous piece of its
// feature row.
inline void GatherTokens(const LocalTile& tile, const LargeGTDims& dims, const Batch& batch,
                         float* x) {
  const int64_t piece = dims.hops_and_self * dims.features;
  for (int64_t i = 0; i < tile.nodes * dims.sampled; ++i) {
    const LocalRow row = batch.sampled[static_cast<size_t>(tile.node * dims.sampled + i)];
    std::memcpy(x + i * piece, batch.features.row(row.value()),
                static_cast<size_t>(piece) * sizeof(float));
  }
}

// [B, S, n] of the activations, at the tile's first token.
template <typename T>
T* RowsOf(Tensor<T>& activations, const LocalTile& tile, int64_t n) {
  return activations.data() + tile.first_row * n;
}

}  // namespace quadhop::cpu
