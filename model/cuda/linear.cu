// Linear maps, products and gathers of node-level matrices.
#include "model/cuda/column_sums.cuh"
#include "model/cuda/kernels_cuda.h"

namespace quadhop::cuda {
namespace {

// y [rows, columns] = the first columns of rows of x [., stride]; one thread per element.
__global__ void GatherRowsKernel(const float* x, int64_t stride, const LocalRow* rows,
                                 int64_t num_rows, int64_t columns, float* y) {
  const int64_t item = ThreadOfGrid();
  if (item >= num_rows * columns) return;
  y[item] = x[rows[item / columns].value() * stride + item % columns];
}

}  // namespace

void CudaKernels::DoGatherRows(TensorView<const float> x, TensorView<const LocalRow> rows,
                               TensorView<float> y) {
  device_->Launch(GatherRowsKernel, {BlocksOfThreads(y.size()), kBlockThreads}, x.data(),
                  x.row_size(), rows.data(), rows.size(), y.dim(1), y.data());
}

void CudaKernels::DoLinear(const LinearArgs& args) {
  const int64_t inputs = args.x.dim(1), outputs = args.weight.dim(0);
  const Together together(*products_);
  for (int64_t p = 0; p < args.slices.num_partitions(); ++p) {
    const int64_t begin = args.slices.begin(p), rows = args.slices.end(p) - begin;
    products_->Multiply(rows, outputs, inputs,
                        MatrixRef<float>{args.x.data() + begin * inputs, inputs},
                        MatrixRef<float>{args.weight.data(), inputs, true}, 0,
                        {args.y.data() + begin * outputs, outputs}, 1, {args.bias.data()});
  }
}

void CudaKernels::DoLinearBackward(const LinearBackwardArgs& args) {
  const int64_t inputs = args.x.dim(1), outputs = args.weight.dim(0);
  if (args.d_bias.first != nullptr)
    SumColumns(*device_, NodeRowsOf(args.slices), args.d_y.data(), outputs, args.d_bias);
  const Together together(*products_);
  for (int64_t p = 0; p < args.slices.num_partitions(); ++p) {
    const int64_t begin = args.slices.begin(p), rows = args.slices.end(p) - begin;
    const MatrixRef<float> d_rows{args.d_y.data() + begin * outputs, outputs};
    if (args.d_x.data() != nullptr)
      products_->Multiply(rows, inputs, outputs, d_rows,
                          MatrixRef<float>{args.weight.data(), inputs}, 0,
                          {args.d_x.data() + begin * inputs, inputs});
    products_->Multiply(outputs, inputs, rows, MatrixRef<float>{d_rows.data, outputs, true},
                        MatrixRef<float>{args.x.data() + begin * inputs, inputs}, 0,
                        {args.d_weight.of(p), inputs, args.d_weight.stride});
  }
}

void CudaKernels::DoMultiply(absl::Span<const ProductArgs> products) {
  const Together together(*products_);
  for (const ProductArgs& of : products)
    products_->Multiply(of.c.rows, of.c.columns, of.transpose_a ? of.a.rows : of.a.columns,
                        MatrixRef<float>{of.a.data, of.a.stride, of.transpose_a},
                        MatrixRef<float>{of.b.data, of.b.stride, of.transpose_b}, of.beta,
                        {of.c.data, of.c.stride}, of.alpha);
}

}  // namespace quadhop::cuda
