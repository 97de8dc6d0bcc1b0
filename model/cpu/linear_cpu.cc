// Linear maps: products on tiles of rows; weight gradients on tiles of outputs, each over all rows
// of a partition.
#include <algorithm>

#include "model/cpu/gemm.h"
#include "model/cpu/kernels_cpu.h"
#include "model/cpu/row_ops.h"

namespace quadhop::cpu {

std::vector<Tile> MakeTiles(const Slices& slices, int64_t rows) {
  std::vector<Tile> tiles;
  for (int64_t p = 0; p < slices.num_partitions(); ++p) {
    for (int64_t begin = slices.begin(p); begin < slices.end(p); begin += rows)
      tiles.push_back({p, begin, std::min(begin + rows, slices.end(p))});
  }
  return tiles;
}

void CpuKernels::DoLinear(const LinearArgs& args) {
  const int64_t inputs = args.x.dim(1), outputs = args.weight.dim(0);
  const std::vector<Tile> tiles = MakeTiles(args.slices, kTileRows);
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int) {
    const Tile& tile = tiles[static_cast<size_t>(item)];
    for (int64_t r = tile.begin; r < tile.end; ++r)
      std::copy_n(args.bias.data(), outputs, args.y.row(r));
    Gemm(tile.end - tile.begin, outputs, inputs, {args.x.row(tile.begin), inputs},
         {args.weight.data(), inputs, true}, 1, args.y.row(tile.begin), outputs);
  });
}

void CpuKernels::DoLinearBackward(const LinearBackwardArgs& args) {
  const int64_t inputs = args.x.dim(1), outputs = args.weight.dim(0);
  if (!args.d_x.empty()) {
    const std::vector<Tile> tiles = MakeTiles(args.slices, kTileRows);
    pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int) {
      const Tile& tile = tiles[static_cast<size_t>(item)];
      Gemm(tile.end - tile.begin, inputs, outputs, {args.d_y.row(tile.begin), outputs},
           {args.weight.data(), inputs}, 0, args.d_x.row(tile.begin), inputs);
    });
  }
  const RowOps<float>& ops = GetRowOps<float>();
  const int64_t blocks = NumBlocks(outputs, kTileRows);
  pool_.ParallelFor(args.slices.num_partitions() * blocks, [&](int64_t item, int) {
    const int64_t p = item / blocks, begin = args.slices.begin(p), end = args.slices.end(p);
    const BlockRange range = Block(item % blocks, outputs, kTileRows);
    float* d_weight = args.d_weight.of(p) + range.begin * inputs;
    if (args.d_bias.first != nullptr) {
      float* d_bias = args.d_bias.of(p) + range.begin;
      std::fill_n(d_bias, range.end - range.begin, 0.0f);
      for (int64_t r = begin; r < end; ++r)
        ops.add(args.d_y.row(r) + range.begin, range.end - range.begin, d_bias);
    }
    if (begin == end) {
      std::fill_n(d_weight, (range.end - range.begin) * inputs, 0.0f);
    } else {
      Gemm(range.end - range.begin, inputs, end - begin,
           {args.d_y.row(begin) + range.begin, outputs, true}, {args.x.row(begin), inputs}, 0,
           d_weight, inputs);
    }
  });
}

void CpuKernels::DoMultiply(absl::Span<const ProductArgs> products) {
  struct RowsOfProduct {
    const ProductArgs* product;
    BlockRange rows;
  };
  std::vector<RowsOfProduct> items;
  for (const ProductArgs& of : products)
    for (int64_t i = 0; i < NumBlocks(of.c.rows, kTileRows); ++i)
      items.push_back({&of, Block(i, of.c.rows, kTileRows)});
  pool_.ParallelFor(static_cast<int64_t>(items.size()), [&](int64_t item, int) {
    const auto& [product, rows] = items[static_cast<size_t>(item)];
    const ProductArgs& of = *product;
    const float* a = of.a.data + rows.begin * (of.transpose_a ? 1 : of.a.stride);
    Gemm(rows.end - rows.begin, of.c.columns, of.transpose_a ? of.a.rows : of.a.columns,
         {a, of.a.stride, of.transpose_a}, {of.b.data, of.b.stride, of.transpose_b}, of.beta,
         of.c.data + rows.begin * of.c.stride, of.c.stride, of.alpha);
  });
}

}  // namespace quadhop::cpu
