#include "launch/session/prediction.h"

#include <algorithm>

#include "core/base/status.h"

namespace quadhop {

absl::Status PredictionMean::Add(LargeGT& model, const Batch& batch) {
  const LargeGTDims& dims = model.options().dims;
  const int64_t num_nodes = batch.num_nodes();
  if (added_ == samples_) added_ = 0;
  if (added_ == 0) {
    logits_.Resize({num_nodes, dims.classes});
    embeddings_.Resize({with_embeddings_ ? num_nodes : 0, dims.width});
    std::fill_n(logits_.data(), logits_.size(), 0.0f);
    std::fill_n(embeddings_.data(), embeddings_.size(), 0.0f);
  }
  ++added_;
  if (num_nodes == 0) return absl::OkStatus();
  of_sample_.Resize({num_nodes, dims.classes});
  QH_RETURN_IF_ERROR(model.Predict(batch, of_sample_.view()));
  AddShare({of_sample_.data(), static_cast<size_t>(of_sample_.size())}, logits_);
  if (!with_embeddings_) return absl::OkStatus();
  AddShare(model.embeddings(), embeddings_);
  return model.memory().status();
}

void PredictionMean::AddShare(absl::Span<const float> values, Tensor<float>& mean) const {
  for (size_t i = 0; i < values.size(); ++i)
    mean.data()[i] += values[i] / static_cast<float>(samples_);
}

}  // namespace quadhop
