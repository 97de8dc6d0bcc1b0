// What a model says of the nodes of a step.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>

#include "core/arrays/tensor.h"
#include "core/batch/batch.h"
#include "model/largegt/largegt.h"

namespace quadhop {

struct Prediction {
  TensorView<const float> logits;      // [B, C]
  TensorView<const float> embeddings;  // [B, H], of which logits are a linear map; or not asked for
};

// The mean of predictions from several samples of the same nodes.
class PredictionMean {
 public:
  // samples >= 1, of each node.
  PredictionMean(int64_t samples, bool with_embeddings)
      : samples_(samples), with_embeddings_(with_embeddings) {}

  // Predicts one sample of a step's nodes, of which there may be none. Those of the next step begin
  // after `samples` calls. Errors: see LargeGT::Predict; and the device's.
  absl::Status Add(LargeGT& model, const Batch& batch);

  // All samples of the step have been added.
  bool IsComplete() const { return added_ == samples_; }

  // To be called when complete. Valid until the next Add.
  Prediction Get() const { return {logits_.cview(), embeddings_.cview()}; }

 private:
  // mean += values / samples
  void AddShare(absl::Span<const float> values, Tensor<float>& mean) const;

  const int64_t samples_;
  const bool with_embeddings_;
  int64_t added_ = 0;         // samples of this step's nodes
  Tensor<float> of_sample_;   // [B, C]
  Tensor<float> logits_;      // [B, C]
  Tensor<float> embeddings_;  // [B, H]
};

}  // namespace quadhop
