// What the forward and backward passes of the local module share: one tile of nodes and its rows in
// the activations.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "model/cpu/dropout_bits.h"
#include "model/cpu/gemm.h"
#include "model/cpu/kernels_cpu.h"
#include "model/cpu/row_ops.h"
#include "model/kernels/local_weights.h"

namespace quadhop::cpu {

// Sizes of a tile of nodes, from dims, the batch and the tile's place in it.
struct LocalTile {
  LocalTile(const LargeGTDims& dims, const Batch& batch, int64_t first_node, int64_t end_node)
      : offsets(batch.sampled_offsets.data() + first_node),
        hops_and_self(dims.hops_and_self),
        node(first_node),
        nodes(end_node - first_node),
        rows(hops_and_self * (offsets[nodes] - offsets[0])),
        first_row(hops_and_self * offsets[0]),
        features(dims.features),
        columns(dims.token_columns()),
        width(dims.width),
        wide(dims.wide()),
        heads(dims.heads) {
    for (int64_t i = 0; i < nodes; ++i) most_tokens = std::max(most_tokens, tokens(i));
  }

  // The tokens S of node i of the tile, and the row of its first among the tile's.
  int64_t tokens(int64_t i) const { return hops_and_self * (offsets[i + 1] - offsets[i]); }
  int64_t first(int64_t i) const { return hops_and_self * (offsets[i] - offsets[0]); }

  const int64_t* offsets;  // [nodes + 1]: entries of the batch's `sampled`
  int64_t hops_and_self;
  int64_t node;  // first node of the tile, a row of the batch
  int64_t nodes;
  int64_t rows;             // tokens of all nodes of the tile
  int64_t first_row;        // row of the tile's first token in [T, .]
  int64_t most_tokens = 0;  // of any node
  int64_t features;         // F
  int64_t columns;          // of a token: features and marks
  int64_t width;            // H
  int64_t wide;             // h*H
  int64_t heads;            // h
};

// Every slice cut into runs of as many nodes as kTileTokens tokens allow (at least one), in order.
std::vector<Tile> MakeTokenTiles(const LargeGTDims& dims, const Slices& slices, const Batch& batch);

// The weights that enter products, in the products' precision, found by the views of LocalWeights.
template <typename T>
class OperandWeights {
 public:
  // `rounded` holds NumFloats(dims) values, the weights in T; for float it is the weights' array.
  OperandWeights(const LocalWeights& weights, const T* rounded)
      : base_(weights.base()), rounded_(rounded) {}
  const T* operator()(TensorView<float> weight) const { return rounded_ + (weight.data() - base_); }

 private:
  const float* base_;
  const T* rounded_;
};

// A product comes out in float: for T = float directly in the operand's place, else in `staging`,
// from which it is rounded.
template <typename T>
float* ProductOf([[maybe_unused]] T* operand, [[maybe_unused]] float* staging) {
  if constexpr (std::is_same_v<T, float>) {
    return operand;
  } else {
    return staging;
  }
}
template <typename T>
void RoundProduct([[maybe_unused]] const RowOps<T>& ops, [[maybe_unused]] const float* product,
                  [[maybe_unused]] int64_t n, [[maybe_unused]] T* operand) {
  if constexpr (!std::is_same_v<T, float>) ops.round(product, n, operand);
}

// Hands out consecutive pieces of a worker's memory; with null memory it only counts.
class Scratch {
 public:
  explicit Scratch(float* memory) : memory_(memory) {}
  template <typename T>
  T* Take(int64_t n) {
    T* piece = memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + floats_);
    floats_ += (n * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 16;  // whole cache lines
    return piece;
  }
  size_t floats() const { return static_cast<size_t>(floats_); }

 private:
  float* memory_;
  int64_t floats_ = 0;
};

// Lays a tile's scratch out in `memory`, which grows to what it needs.
template <typename TileWork>
void LayOut(TileWork& work, std::vector<float>& memory) {
  Scratch count(nullptr);
  work.LayOut(count);
  if (memory.size() < count.floats()) memory.resize(count.floats());
  Scratch pieces(memory.data());
  work.LayOut(pieces);
}

inline void SetMark(float* mark) { *mark = 1; }
inline void SetMark(BFloat16* mark) { *mark = {FloatToBF16(1)}; }

// The tile's tokens: x [rows, columns]. A sampled node's features are one contiguous piece.
template <typename T>
void GatherTokens(const Batch& batch, const LocalTile& tile, const RowOps<T>& ops, T* x) {
  const int64_t hops = tile.hops_and_self, marks = tile.columns - tile.features;
  for (int64_t i = 0; i < tile.nodes; ++i) {
    const LocalRow own = batch.own[static_cast<size_t>(tile.node + i)];
    for (int64_t e = tile.offsets[i]; e < tile.offsets[i + 1]; ++e, x += hops * tile.columns) {
      const LocalRow row = batch.sampled[static_cast<size_t>(e)];
      const float* features = batch.features.row(row.value());
      if (marks == 0) {
        ops.round(features, hops * tile.features, x);
        continue;
      }
      for (int64_t hop = 0; hop < hops; ++hop) {
        T* token = x + hop * tile.columns;
        T* token_marks = token + tile.features;
        ops.round(features + hop * tile.features, tile.features, token);
        std::fill_n(token_marks, marks, T{});
        SetMark(token_marks + (row == own ? hops : 0) + hop);
      }
    }
  }
}

// [T, n] of the activations, at the tile's first token.
template <typename T>
T* RowsOf(Tensor<T>& activations, const LocalTile& tile, int64_t n) {
  return activations.data() + tile.first_row * n;
}

}  // namespace quadhop::cpu
