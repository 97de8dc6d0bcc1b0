// What each call of Kernels takes: shapes, and which arrays are read, written or kept.
//
// Dims are those of DESIGN.md section 4: B batch nodes of this rank, Pl partitions of this rank, S
// tokens, F features, H width, h heads, G encoding width, M centroids, C classes; I and O are a
// linear map's inputs and outputs.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/arrays/tensor.h"
#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/rng.h"
#include "core/batch/batch.h"
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
// labelled rows. Binary: sum over labelled columns / C, those that are 1 times class_weight. Both
// divided by global_nodes.
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

}  // namespace quadhop
