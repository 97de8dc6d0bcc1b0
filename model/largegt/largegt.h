// LargeGT ("Graph Transformers for Large Graphs", arXiv 2312.11109): the whole model on one rank of
// a job.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <memory>
#include <string>
#include <vector>

#include "comm/sums/background_sum.h"
#include "core/arrays/array.h"
#include "model/kernels/batch_arrays.h"
#include "model/largegt/step_recordings.h"
#include "model/layers/activation_layer.h"
#include "model/layers/global_module.h"
#include "model/layers/linear_layer.h"
#include "model/layers/local_module.h"
#include "model/parameters/parameters.h"

namespace quadhop {

// One array of the model's state that is the same on every rank.
struct StateArray {
  std::string name;            // the paper's
  std::vector<int64_t> dims;   // empty: a scalar
  TensorView<float> floats;    // the values, in the model's memory; or
  int64_t* integer = nullptr;  // the integer scalar
};

// What a rank's model needs from its job. Borrowed; all must outlive the model.
struct ModelPlacement {
  Kernels* kernels = nullptr;
  Communicator* comm = nullptr;  // works on the kernels' memory; duplicated for gradients
  PartitionOwners owners;
  Reduction reduction = Reduction::kReproducible;
  GlobalId first_node;                           // of this rank's partitions
  absl::Span<const int64_t> owned_original_ids;  // [N_owned]
  absl::Span<const float> class_weight;          // [C], or empty
};

// Used by one thread, one step at a time: ComputeGradients, then the optimiser on parameters(); or
// Predict, at any time between steps.
class LargeGT {
 public:
  // Collective. Weights are a function of (seed, name), and codes of (seed, original id).
  static absl::StatusOr<std::unique_ptr<LargeGT>> Create(const LargeGTOptions& options,
                                                         const ModelPlacement& placement);

  // One training step without the optimiser: forward, backward, sums over all partitions, the
  // codebook's move. Returns the mean loss of the global batch; parameters().trained_gradients()
  // then holds its gradient. Both are the same on every rank. Collective. On error the model's
  // state is unspecified. The host waits for the device here, once.
  absl::StatusOr<double> ComputeGradients(const Batch& batch);
  // Whether the gradient of the last training step is finite.
  bool gradients_finite() const { return gradients_finite_; }

  // How long steps have waited so far for sums over ranks that other work did not hide. Zero on a
  // device, where it is not known: there the host waits for computation, too.
  absl::Duration time_waited() const {
    if (!placement_.kernels->memory().is_host()) return absl::ZeroDuration();
    return placement_.comm->time_taken() + sums_->time_waited();
  }

  // Logits [B * C] of the last training step.
  std::vector<float> last_logits() {
    return ToHost(memory(),
                  TensorView<const float>(logits_.data(), {rows_, options_.dims.classes}));
  }

  // Logits [B, C] of a batch in evaluation mode, in the host's memory. Not collective.
  absl::Status Predict(const Batch& batch, TensorView<float> logits);

  // The values [B * H] of which the last batch's logits are a linear map.
  std::vector<float> embeddings() {
    return ToHost(memory(),
                  TensorView<const float>(last_hidden_.data(), {rows_, options_.dims.width}));
  }

  const LargeGTOptions& options() const { return options_; }
  // Where parameters, gradients and State() are.
  Memory& memory() { return placement_.kernels->memory(); }
  ParameterSet& parameters() { return parameters_; }
  Codebook* codebook() { return global_ ? &global_->codebook() : nullptr; }
  // Parameters and buffers under the paper's names, except codes (see Codebook::codes).
  std::vector<StateArray> State();
  // A hash of what must be equal on every rank.
  uint64_t ReplicaHash();

 private:
  LargeGT(const LargeGTOptions& options, const ModelPlacement& placement);
  LargeGT(const LargeGTOptions& options, const ModelPlacement& placement, const LayerNames& names);
  absl::StatusOr<Step> MakeStep(const Batch& batch, bool training);
  // The same step, for what is computed beside token attention.
  Step OnSideStream(const Step& step) const {
    return step.On(side_kernels_ != nullptr ? *side_kernels_ : step.kernels);
  }
  // Queues a training step, except for what the host reads of its results.
  absl::Status QueueStep(const Step& step);
  bool IsRepeatable() const;
  void CountBatch();
  absl::Status Forward(const Step& step, const Step& side);  // to logits_
  void StartInput(const Step& step);
  absl::Status FinishInput(const Step& step);
  absl::Status Head(const Step& step);
  absl::Status Backward(const Step& step, const Step& side);
  void Loss(const Step& step);
  absl::StatusOr<double> ReadVerdict();
  void SumGradients(GradientGroup group, const Step& computed);

  LargeGTOptions options_;
  ModelPlacement placement_;
  std::unique_ptr<Kernels>
      side_kernels_;  // nullptr: none. Declared before the arrays, which it frees
  ParameterSet parameters_;
  GradientSummands gradients_;

  LinearLayer in_first_, in_second_;
  ActivationLayer in_activation_;
  LocalModule local_;
  std::unique_ptr<GlobalModule> global_;
  LinearLayer head_first_, head_second_, out_;
  ActivationLayer head_first_activation_, head_second_activation_;

  BatchArrays arrays_;
  Array<float> class_weight_;                        // [C], or empty
  Array<float> own_;                                 // [B, F]
  Array<float> own_hops_;                            // [B, (1+hops)*F]: with head_features
  Array<float> in_linear_;                           // [B, H]: fc_in.0; then its gradient
  Array<float> in_hidden_;                           // [B, H]: the same, activated
  Array<float> embedded_, d_embedded_;               // [B, H]: fc_in
  Array<float> local_out_, global_out_;              // [B, h*H]; then their gradients
  Array<float> mixed_, d_mixed_;                     // [B, inputs of the head]
  Array<float> head_linear_, head_hidden_, d_head_;  // [B, h*H]
  Array<float> last_linear_, last_hidden_, d_last_;  // [B, H]
  Array<float> logits_, d_logits_;                   // [B, C]
  Array<double> loss_;                               // [Pl]
  Array<double> verdict_;                            // [2]: the loss, and 1 if gradients are finite
  int64_t rows_ = 0;                                 // B of the last batch
  bool gradients_finite_ = true;
  std::unique_ptr<StepRecordings> recordings_;  // nullptr: steps are not repeated

  std::unique_ptr<BackgroundSum> sums_;  // declared last: its thread works on the arrays above
};

}  // namespace quadhop
