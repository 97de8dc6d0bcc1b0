// The arithmetic of LargeGT on one device, by partition slices. Layers (linear_layer.cc,
// local_module.cc, ...) are built on it.
//
// Dims are those of DESIGN.md section 4: B batch nodes of this rank, Pl partitions of this rank, S
// tokens, F features, H width, h heads, G encoding width, M centroids, C classes; I and O are a
// linear map's inputs and outputs.
//
// Every result is a fixed function of its inputs and the slices: it does not depend on the number
// of threads, nor on which other slices are in the batch. Sums over rows are made per partition
// ([Pl, ...] outputs), over blocks of fixed size in a fixed order; sums over partitions are the
// caller's (comm/sums/ordered_sum.h).
//
// Public calls check shapes once (a mismatch is a bug: QH_CHECK) and dispatch; backends hold
// arithmetic only. All views are of arrays in memory(), or in that of another stream (events order
// the two). Work goes to memory()'s stream, and the arrays must stay alive until it is done. The
// offsets of slices are read by the host as well. An object is used by one thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>

#include "comm/sums/row_adder.h"
#include "core/arrays/tensor.h"
#include "core/base/ids.h"
#include "core/memory/memory.h"
#include "core/threads/thread_pool.h"
#include "model/kernels/kernel_args.h"
#include "model/kernels/options.h"

namespace quadhop {

class Kernels {
 public:
  virtual ~Kernels() = default;

  // Where the arrays are, and the stream of work. Its status() is the first error of a device;
  // calls do not return that error, and results after it are unspecified.
  virtual Memory& memory() = 0;
  // Adds rows for sums over partitions, on the same stream.
  virtual RowAdder& row_adder() = 0;

  void Linear(const LinearArgs& args);
  void LinearBackward(const LinearBackwardArgs& args);
  // moments [Pl, H] of the columns of x [B, H].
  void ColumnMoments(const Slices& slices, TensorView<const float> x, TensorView<Moments> moments);
  void TakeMoments(const TakeMomentsArgs& args);
  // inv_std [H] = 1 / sqrt(variance [H] + epsilon).
  void InverseDeviation(TensorView<const float> variance, TensorView<float> inv_std);
  // y [B, H] = (x - mean [H]) * inv_std [H].
  void Standardise(TensorView<const float> x, TensorView<const float> mean,
                   TensorView<const float> inv_std, TensorView<float> y);
  // y [B, n] = the first n values of rows [B] of x [U, ...].
  void GatherRows(TensorView<const float> x, TensorView<const LocalRow> rows, TensorView<float> y);
  void Activation(const ActivationArgs& args);
  void ActivationBackwardSums(const ActivationBackwardSumsArgs& args);
  void ActivationBackward(const ActivationBackwardArgs& args);
  virtual std::unique_ptr<LocalActivations> MakeLocalActivations() = 0;
  // The same kernels on a new stream, for work that runs beside theirs; nullptr if the
  // backend queues nothing.
  virtual absl::StatusOr<std::unique_ptr<Kernels>> OnNewStream() const = 0;
  void LocalForward(const LocalForwardArgs& args);
  void LocalBackward(const LocalBackwardArgs& args);
  void CodebookAttention(const CodebookAttentionArgs& args);
  void CodebookAttentionBackward(const CodebookAttentionBackwardArgs& args);
  void CodebookOuterSum(const CodebookOuterSumArgs& args);
  void CodebookAssign(const CodebookAssignArgs& args);
  void CodebookRecode(const CodebookRecodeArgs& args);
  // counts [M] += moves [M] (empty: none), and log_count [M] = their logarithms.
  void CodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                     TensorView<float> log_count);
  void CodebookMove(const CodebookMoveArgs& args);
  // output [M, 2G]: the embedding [M, 2G] in the scale of queries of that mean and variance [2G].
  void CodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                      TensorView<const float> variance, TensorView<float> output);
  void Loss(const LossArgs& args);
  void Adam(const AdamArgs& args);
  // all_finite [1] = 1 if all of x [n] is finite, else 0.
  void CheckFinite(TensorView<const float> x, TensorView<double> all_finite);
  // No product may read or write what another writes: they may be computed side by side.
  void Multiply(absl::Span<const ProductArgs> products);

 private:
  virtual void DoLinear(const LinearArgs& args) = 0;
  virtual void DoLinearBackward(const LinearBackwardArgs& args) = 0;
  virtual void DoColumnMoments(const Slices& slices, TensorView<const float> x,
                               TensorView<Moments> moments) = 0;
  virtual void DoTakeMoments(const TakeMomentsArgs& args) = 0;
  virtual void DoInverseDeviation(TensorView<const float> variance, TensorView<float> inv_std) = 0;
  virtual void DoStandardise(TensorView<const float> x, TensorView<const float> mean,
                             TensorView<const float> inv_std, TensorView<float> y) = 0;
  virtual void DoGatherRows(TensorView<const float> x, TensorView<const LocalRow> rows,
                            TensorView<float> y) = 0;
  virtual void DoActivation(const ActivationArgs& args) = 0;
  virtual void DoActivationBackwardSums(const ActivationBackwardSumsArgs& args) = 0;
  virtual void DoActivationBackward(const ActivationBackwardArgs& args) = 0;
  virtual void DoLocalForward(const LocalForwardArgs& args) = 0;
  virtual void DoLocalBackward(const LocalBackwardArgs& args) = 0;
  virtual void DoCodebookAttention(const CodebookAttentionArgs& args) = 0;
  virtual void DoCodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) = 0;
  virtual void DoCodebookOuterSum(const CodebookOuterSumArgs& args) = 0;
  virtual void DoCodebookAssign(const CodebookAssignArgs& args) = 0;
  virtual void DoCodebookRecode(const CodebookRecodeArgs& args) = 0;
  virtual void DoCodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                               TensorView<float> log_count) = 0;
  virtual void DoCodebookMove(const CodebookMoveArgs& args) = 0;
  virtual void DoCodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                                TensorView<const float> variance, TensorView<float> output) = 0;
  virtual void DoLoss(const LossArgs& args) = 0;
  virtual void DoAdam(const AdamArgs& args) = 0;
  virtual void DoCheckFinite(TensorView<const float> x, TensorView<double> all_finite) = 0;
  virtual void DoMultiply(absl::Span<const ProductArgs> products) = 0;
};

// True if this processor multiplies bf16 faster than f32 (AVX-512 BF16), and oneDNN lets us.
bool ProcessorHasBF16Products();

// Kernels of this machine's processor, on the threads of `pool`, which must outlive them.
std::unique_ptr<Kernels> MakeCpuKernels(ThreadPool& pool);

// Kernels for the GPU of the rank that is number `local_rank` among the ranks of its host. Their
// products of floats use all bits if `precision` is F32, else those of TF32. kUnavailable, saying
// what to do, if there is no GPU or quadhop was built without CUDA.
absl::StatusOr<std::unique_ptr<Kernels>> MakeCudaKernels(int local_rank, Precision precision);

}  // namespace quadhop
