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
// arithmetic only. All views are of arrays in memory(), or in a memory that shares it by Fork
// (marks order the two). Work goes to memory()'s queue, and the arrays must stay alive until it is
// done. The offsets of slices are read by the host as well. An object is used by one thread at a
// time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>

#include "comm/sums/row_adder.h"
#include "core/arrays/tensor.h"
#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/rng.h"
#include "core/batch/batch.h"
#include "core/memory/memory.h"
#include "core/threads/thread_pool.h"
#include "model/kernels/options.h"

namespace quadhop {

// Rows of a batch by partition: partition i of this rank has rows [offsets[i], offsets[i + 1]).
struct Slices {
  absl::Span<const int64_t> offsets;  // [Pl + 1], in the host's memory
  const int64_t* array = nullptr;  // the same [Pl + 1] in the kernels' memory; nullptr if the only
                                   // sums over rows are products, or one slice has all rows
  int64_t num_partitions() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t begin(int64_t i) const { return offsets[static_cast<size_t>(i)]; }
  int64_t end(int64_t i) const { return offsets[static_cast<size_t>(i) + 1]; }
  int64_t rows() const { return offsets.back(); }
};

// One dropout of one step. A value is kept if its 16 random bits, a function of (seed, purpose,
// step, node, position in the node's values), reach probability * 2^16. It is then divided by the
// exact share of 16-bit values that do.
struct Dropout {
  double probability = 0;  // 0: none, and the rest is not used
  uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kInputDropout;
  const int64_t* step = nullptr;     // in the kernels' memory, like nodes
  TensorView<const GlobalId> nodes;  // [B]
};

// Gradients of one parameter, one for each partition of this rank.
struct PartitionGradients {
  float* first = nullptr;  // of partition 0; that of partition i is at first + i * stride
  int64_t stride = 0;      // elements
  constexpr float* of(int64_t partition) const { return first + partition * stride; }
};

// Some of a matrix's columns, or all.
template <typename T>
struct ColumnsView {
  ColumnsView() = default;
  ColumnsView(TensorView<T> matrix, int64_t begin, int64_t count)
      : data(matrix.data() + begin), rows(matrix.dim(0)), columns(count), stride(matrix.dim(1)) {
    QH_CHECK_LE(begin + count, matrix.dim(1));
  }
  template <typename U>
  ColumnsView(TensorView<U> matrix)  // NOLINT(google-explicit-constructor): all of them
      : ColumnsView(TensorView<T>(matrix), 0, matrix.dim(1)) {}
  template <typename U>
  ColumnsView(const ColumnsView<U>& other)  // NOLINT(google-explicit-constructor): of const T
      : data(other.data), rows(other.rows), columns(other.columns), stride(other.stride) {}

  T* data = nullptr;
  int64_t rows = 0, columns = 0;
  int64_t stride = 0;  // elements between rows
};

// c [m, n] = alpha * op(a) op(b) + beta * c, row-major; op transposes when asked to.
struct ProductArgs {
  bool transpose_a = false, transpose_b = false;
  float alpha = 1;
  ColumnsView<const float> a, b;
  float beta = 0;
  ColumnsView<float> c;
};

struct LinearArgs {
  Slices slices;                   // of the rows of x
  TensorView<const float> x;       // [B, I]
  TensorView<const float> weight;  // [O, I]
  TensorView<const float> bias;    // [O]
  TensorView<float> y;             // [B, O]
};

struct LinearBackwardArgs {
  Slices slices;
  TensorView<const float> x;       // [B, I]
  TensorView<const float> weight;  // [O, I]
  TensorView<const float> d_y;     // [B, O]
  TensorView<float> d_x;           // [B, I], or empty: not wanted
  PartitionGradients d_weight;     // [O, I] each, written
  PartitionGradients d_bias;       // [O] each, written; nullptr: not wanted
};

// y = dropout(relu(norm(x))). Batch norm takes its moments as given (a step's, or running ones in
// evaluation).
struct ActivationArgs {
  NormKind norm = NormKind::kBatch;
  TensorView<const float> x;        // [B, H]
  TensorView<const float> scale;    // [H]; empty without norm
  TensorView<const float> shift;    // [H]; empty without norm
  TensorView<const float> mean;     // [H]; batch norm only
  TensorView<const float> inv_std;  // [H]; batch norm only
  Dropout dropout;
  TensorView<float> x_hat;  // [B, H]: normalised x, kept for the backward pass (without norm: x)
  TensorView<float> row_inv_std;  // [B]; layer norm only, kept for the backward pass
  TensorView<float> gate;         // [B, H]: dy/d(norm(x)), kept for the backward pass
  TensorView<float> y;            // [B, H]
};

// First half of the activation's backward pass: d_norm = d_y * gate, with its sums over the rows of
// each partition: the gradients of shift and scale.
struct ActivationBackwardSumsArgs {
  Slices slices;
  TensorView<const float> gate;   // [B, H]
  TensorView<const float> x_hat;  // [B, H]
  TensorView<float> d;            // [B, H]: d_y, becomes d_norm
  TensorView<double> sums;        // [Pl, 2, H]: of d_norm, of d_norm * x_hat
  PartitionGradients d_shift;     // [H] each, written; none without norm
  PartitionGradients d_scale;     // [H] each, written; none without norm
};

// Second half: turns d_norm into d_x.
struct ActivationBackwardArgs {
  NormKind norm = NormKind::kBatch;
  TensorView<const float> x_hat;        // [B, H]
  TensorView<const float> scale;        // [H]
  TensorView<const float> inv_std;      // [H]; batch norm only
  TensorView<const float> row_inv_std;  // [B]; layer norm only
  TensorView<const double> sums;        // [2, H] over all partitions; batch norm only
  int64_t global_nodes = 0;             // batch norm only
  TensorView<float> d;                  // [B, H]: d_norm, becomes d_x
};

// What the columns of a batch are normalised with, and the running averages updated by it (momentum
// 0.1, variance with n/(n-1)).
struct TakeMomentsArgs {
  TensorView<const Moments> total;  // [H] over all rows of all ranks
  TensorView<float> mean;           // [H]
  TensorView<float> inv_std;        // [H]
  TensorView<float> running_mean;   // [H], updated
  TensorView<float> running_var;    // [H], updated
};

// Attention of queries to the centroids, each weighted by how many nodes are assigned to it.
struct CodebookAttentionArgs {
  Slices slices;
  int64_t heads = 0;
  TensorView<const float> query;      // [B, h*H]
  TensorView<const float> key;        // [M, h*H]
  TensorView<const float> value;      // [M, h*H]
  TensorView<const float> log_count;  // [M]; -inf: no node
  Dropout dropout;                    // of the probabilities
  TensorView<float> probability;      // [B, h, M], kept for the backward pass
  TensorView<float> kept;             // [B, h, M]: probability after dropout; empty without dropout
  TensorView<float> y;                // [B, h*H]
};

struct CodebookAttentionBackwardArgs {
  Slices slices;
  int64_t heads = 0;
  TensorView<const float> key;    // [M, h*H]
  TensorView<const float> value;  // [M, h*H]
  Dropout dropout;
  TensorView<float> probability;  // [B, h, M]; becomes the gradient of the scaled scores
  TensorView<const float> kept;   // [B, h, M]; empty without dropout
  TensorView<const float> d_y;    // [B, h*H]
  TensorView<float> d_query;      // [B, h*H]
};

// For each head, alpha times the sum over rows r of one partition of left_r right_r^T: the gradient
// of the codebook's values (of probability and d_y), or of its keys (of d_scores and query).
struct CodebookOuterSumArgs {
  int64_t heads = 0;
  float alpha = 1;
  TensorView<const float> left;   // [rows, h, M]
  TensorView<const float> right;  // [rows, h*H]
  TensorView<float> sum;          // [M, h*H]
};

// Nearest centroid (lowest index on ties) of each row, and per partition how many rows each
// centroid has and their sum.
struct CodebookAssignArgs {
  Slices slices;
  TensorView<const float> z;          // [B, 2G]
  TensorView<const float> embedding;  // [M, 2G]
  TensorView<int16_t> nearest;        // [B], values in [0, M)
  TensorView<float> hits_and_sums;    // [Pl, M + M*2G]: hits [M], then sums [M, 2G]
};

// The codes of a batch's nodes become their nearest centroids.
struct CodebookRecodeArgs {
  Slices slices;
  TensorView<const GlobalId> nodes;   // [B], each once
  GlobalId first_node;                // of codes
  TensorView<const int16_t> nearest;  // [B]
  TensorView<int16_t> codes;          // [N_owned]
  TensorView<int16_t> replaced;       // [B]: the codes before
  TensorView<int64_t> moves;          // [Pl, M]: nodes gained, less nodes lost
};

// One step of exponential-moving-average k-means.
struct CodebookMoveArgs {
  double decay = 0;
  TensorView<const float> hits_and_sums;  // [M + M*2G] over all partitions
  TensorView<float> sizes;                // [M]
  TensorView<float> sums;                 // [M, 2G]
  TensorView<float> embedding;            // [M, 2G]
};

// The loss of each partition's rows and its gradient. Cross entropy: sum of class_weight * l over
// labelled rows. Binary: sum over labelled columns / C. Both divided by global_nodes.
struct LossArgs {
  LossKind kind = LossKind::kCrossEntropy;
  Slices slices;
  TensorView<const float> logits;          // [B, C]
  TensorView<const int32_t> labels;        // [B], -1: unlabelled; cross entropy
  TensorView<const uint8_t> multi_labels;  // [B, C] of 0, 1, 2 (unlabelled); binary
  TensorView<const float> class_weight;    // [C], or empty: 1
  int64_t global_nodes = 0;
  TensorView<float> d_logits;  // [B, C]
  TensorView<double> loss;     // [Pl]
};

// One Adam step (Kingma and Ba, arXiv 1412.6980, as torch writes it) with decoupled weight decay
// (arXiv 1711.05101).
struct AdamArgs {
  double learning_rate = 0, weight_decay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  int64_t step = 0;      // from 1
  double clip_norm = 0;  // the gradient is scaled to this norm if its own is larger; 0: never
  TensorView<const float> gradient;  // [n]
  TensorView<float> first_moment;    // [n]
  TensorView<float> second_moment;   // [n]
  TensorView<float> value;           // [n]
};

class BatchArrays;
struct LocalWeights;

// What the local module's forward pass keeps for its backward pass, in the backend's own form;
// reused from step to step.
class LocalActivations {
 public:
  virtual ~LocalActivations() = default;
};

struct LocalForwardArgs {
  const LargeGTDims* dims = nullptr;
  Precision precision = Precision::kF32;
  Slices slices;
  const LocalWeights* weights = nullptr;
  const Batch* batch = nullptr;         // its sizes, on the host
  const BatchArrays* arrays = nullptr;  // features [U, 1 + hops, F], sampled [D], its offsets
  Dropout token_dropout, attention_dropout, residual_dropout;
  LocalActivations* activations = nullptr;  // made by the same Kernels
  TensorView<float> y;                      // [B, h*H]
};

struct LocalBackwardArgs {
  const LargeGTDims* dims = nullptr;
  Precision precision = Precision::kF32;
  Slices slices;
  const LocalWeights* weights = nullptr;
  const Batch* batch = nullptr;                                           // of the forward pass
  const BatchArrays* arrays = nullptr;                                    // of the forward pass
  double token_dropout = 0, attention_dropout = 0, residual_dropout = 0;  // probabilities
  LocalActivations* activations = nullptr;
  TensorView<const float> d_y;  // [B, h*H]
  TensorView<float> d_weights;  // [Pl, LocalWeights size], written
};

class Kernels {
 public:
  virtual ~Kernels() = default;

  // Where the arrays are, and the queue of work. Its status() is the first error of a device; calls
  // do not return that error, and results after it are unspecified.
  virtual Memory& memory() = 0;
  // Adds rows for sums over partitions, on the same queue.
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
  // The same kernels on a Fork of the memory, for work that runs beside theirs; nullptr if the
  // backend queues nothing.
  virtual absl::StatusOr<std::unique_ptr<Kernels>> Fork() const = 0;
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
