// Linear maps: products on tiles of rows; weight gradients on tiles of outputs, each over all rows
// of a partition.
#include <algorithm>

#include "model/cpu/gemm.h"
#include "model/cpu/kernels_cpu.h"
#include "model/cpu/row_ops.h"

namespace quadhop::cpu {

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

}  // namespace quadhop::cpu
