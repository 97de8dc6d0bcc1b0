#include "model/cpu/kernels_cpu.h"

#include <algorithm>
#include <bit>

#include "model/cpu/gemm.h"
#include "model/cpu/row_ops.h"
#include "model/kernels/formulas.h"

namespace quadhop::cpu {

std::vector<Tile> MakeTiles(const Slices& slices, int64_t rows) {
  std::vector<Tile> tiles;
  for (int64_t p = 0; p < slices.num_partitions(); ++p) {
    for (int64_t begin = slices.begin(p); begin < slices.end(p); begin += rows)
      tiles.push_back({p, begin, std::min(begin + rows, slices.end(p))});
  }
  return tiles;
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

void CpuKernels::DoGatherRows(TensorView<const float> x, TensorView<const LocalRow> rows,
                              TensorView<float> y) {
  for (int64_t r = 0; r < rows.size(); ++r) std::copy_n(x.row(rows[r].value()), y.dim(1), y.row(r));
}

void CpuKernels::DoCheckFinite(TensorView<const float> x, TensorView<double> all_finite) {
  bool bad = false;  // the loop is not left early, so that the compiler vectorises it
  for (int64_t i = 0; i < x.size(); ++i) bad |= !IsFinite(std::bit_cast<uint32_t>(x[i]));
  all_finite[0] = bad ? 0 : 1;
}

template <>
const float* CpuKernels::OperandsOf<float>(const LargeGTDims&, const LocalWeights& weights) {
  return weights.base();
}

template <>
const BFloat16* CpuKernels::OperandsOf<BFloat16>(const LargeGTDims& dims,
                                                 const LocalWeights& weights) {
  const int64_t n = LocalWeights::NumFloats(dims);
  bf16_weights_.resize(static_cast<size_t>(n));
  GetRowOps<BFloat16>().round(weights.base(), n, bf16_weights_.data());
  return bf16_weights_.data();
}

}  // namespace quadhop::cpu

namespace quadhop {
std::unique_ptr<Kernels> MakeCpuKernels(ThreadPool& pool) {
  return std::make_unique<cpu::CpuKernels>(pool);
}
}  // namespace quadhop
