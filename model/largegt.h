// LargeGT ("Graph Transformers for Large Graphs", arXiv 2312.11109): the whole model on one rank of
// a job.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <memory>
#include <string>
#include <vector>

#include "comm/background_sum.h"
#include "model/activation_layer.h"
#include "model/global_module.h"
#include "model/linear_layer.h"
#include "model/local_module.h"
#include "model/parameters.h"

namespace quadhop {

// One array of the model's state that is the same on every rank.
struct StateArray {
  std::string name;            // the paper's
  std::vector<int64_t> dims;   // empty: a scalar
  TensorView<float> floats;    // the values, or
  int64_t* integer = nullptr;  // the scalar
};

// What a rank's model needs of its job. Borrowed; all must outlive the model.
struct ModelPlacement {
  Kernels* kernels = nullptr;
  Communicator* comm = nullptr;  // duplicated for gradients
  PartitionOwners owners;
  Reduction reduction = Reduction::kReproducible;
  GlobalId first_node;                           // of this rank's partitions
  absl::Span<const int64_t> owned_original_ids;  // [N_owned]
  absl::Span<const float> class_weight;          // [C], or empty
};

class LargeGT {
 public:
  // Collective. Weights are a function of (seed, name), codes of (seed, original id).
  static absl::StatusOr<std::unique_ptr<LargeGT>> Create(const LargeGTOptions& options,
                                                         const ModelPlacement& placement);

  // One training step short of the optimiser: forward, backward, sums over all partitions, the
  // codebook's move. Returns the mean loss of the global batch; parameters().trained_gradients()
  // then hold its gradient. The same on every rank. Collective. On error the model's state is
  // unspecified.
  absl::StatusOr<double> ComputeGradients(const Batch& batch);

  // Logits [B, C] of the last training step; valid until the next.
  TensorView<const float> last_logits() const { return logits_.cview(); }

  // Logits [B, C] of a batch in evaluation mode. Not collective.
  absl::Status Predict(const Batch& batch, TensorView<float> logits);

  // What the logits of the last batch are a linear map of, [B, H]; valid until the next batch.
  TensorView<const float> embeddings() const { return last_hidden_.cview(); }

  const LargeGTOptions& options() const { return options_; }
  ParameterSet& parameters() { return parameters_; }
  Codebook* codebook() { return global_ ? &global_->codebook() : nullptr; }
  // Parameters and buffers under the paper's names, codes apart (see Codebook::codes).
  std::vector<StateArray> State();
  // A hash of what must be equal on every rank.
  uint64_t ReplicaHash();

 private:
  LargeGT(const LargeGTOptions& options, const ModelPlacement& placement);
  LargeGT(const LargeGTOptions& options, const ModelPlacement& placement, const LayerNames& names);
  Step MakeStep(const Batch& batch, bool training);
  absl::Status Forward(const Step& step, TensorView<float> logits);
  absl::Status Backward(const Step& step);
  void GatherOwnFeatures(const Batch& batch);
  absl::StatusOr<double> Loss(const Step& step);
  void SumGradients(GradientGroup group);

  LargeGTOptions options_;
  ModelPlacement placement_;
  ParameterSet parameters_;
  GradientSummands gradients_;
  std::unique_ptr<BackgroundSum> sums_;

  LinearLayer in_first_, in_second_;
  ActivationLayer in_activation_;
  LocalModule local_;
  std::unique_ptr<GlobalModule> global_;
  LinearLayer head_first_, head_second_, out_;
  ActivationLayer head_first_activation_, head_second_activation_;

  Tensor<float> own_;                                 // [B, F]
  Tensor<float> in_linear_, in_hidden_;               // [B, H]: fc_in.0, and activated
  Tensor<float> embedded_, d_embedded_;               // [B, H]: fc_in
  Tensor<float> local_out_, global_out_;              // [B, h*H]
  Tensor<float> mixed_, d_mixed_;                     // [B, inputs of the head]
  Tensor<float> head_linear_, head_hidden_, d_head_;  // [B, h*H]
  Tensor<float> last_linear_, last_hidden_, d_last_;  // [B, H]
  Tensor<float> logits_, d_logits_;                   // [B, C]
  Tensor<double> loss_, total_loss_;                  // [Pl], [1]
};

}  // namespace quadhop
