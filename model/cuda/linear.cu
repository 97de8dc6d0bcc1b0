// Linear maps and products of node-level matrices.
#include "model/cuda/column_sums.cuh"
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/staged.h"

namespace quadhop::cuda {

void CudaKernels::DoLinear(const LinearArgs& args) {
  const int64_t inputs = args.x.dim(1), outputs = args.weight.dim(0);
  const Input<float> x(*device_, args.x), weight(*device_, args.weight), bias(*device_, args.bias);
  const Output<float> y(*device_, args.y);
  for (int64_t p = 0; p < args.slices.num_partitions(); ++p) {
    const int64_t begin = args.slices.begin(p), rows = args.slices.end(p) - begin;
    products_->Multiply(rows, outputs, inputs, MatrixRef<float>{x.data() + begin * inputs, inputs},
                        MatrixRef<float>{weight.data(), inputs, true}, 0,
                        y.data() + begin * outputs, outputs, 1, {bias.data()});
  }
}

void CudaKernels::DoLinearBackward(const LinearBackwardArgs& args) {
  const int64_t inputs = args.x.dim(1), outputs = args.weight.dim(0);
  const Input<float> x(*device_, args.x), weight(*device_, args.weight), d_y(*device_, args.d_y);
  const Output<float> d_x(*device_, args.d_x);
  for (int64_t p = 0; p < args.slices.num_partitions(); ++p) {
    const int64_t begin = args.slices.begin(p), rows = args.slices.end(p) - begin;
    const MatrixRef<float> d_rows{d_y.data() + begin * outputs, outputs};
    if (d_x.data() != nullptr)
      products_->Multiply(rows, inputs, outputs, d_rows, MatrixRef<float>{weight.data(), inputs}, 0,
                          d_x.data() + begin * inputs, inputs);
    const Output<float> d_weight(*device_, args.d_weight.of(p), outputs * inputs);
    products_->Multiply(outputs, inputs, rows, MatrixRef<float>{d_rows.data, outputs, true},
                        MatrixRef<float>{x.data() + begin * inputs, inputs}, 0, d_weight.data(),
                        inputs);
    const Output<float> d_bias(*device_, args.d_bias.of(p), outputs);
    SumColumns(*device_, MatrixValue<float>{d_y.data(), outputs}, begin, begin + rows, outputs,
               d_bias.data());
  }
}

void CudaKernels::DoProduct(bool transpose_a, bool transpose_b, float alpha,
                            TensorView<const float> a, TensorView<const float> b, float beta,
                            TensorView<float> c) {
  const Input<float> left(*device_, a), right(*device_, b);
  const Updated<float> result(*device_, c);
  products_->Multiply(c.dim(0), c.dim(1), transpose_a ? a.dim(0) : a.dim(1),
                      MatrixRef<float>{left.data(), a.dim(1), transpose_a},
                      MatrixRef<float>{right.data(), b.dim(1), transpose_b}, beta, result.data(),
                      c.dim(1), alpha);
}

}  // namespace quadhop::cuda
