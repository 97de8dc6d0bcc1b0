// Attention of a node to the codebook: its input embedding and positional encoding to one row [B,
// h*H].
#pragma once

#include <absl/status/status.h>

#include <string>

#include "model/codebook.h"
#include "model/linear_layer.h"

namespace quadhop {

// Used by one thread: a Backward comes after the Forward of its step, whose arrays it takes up.
class GlobalModule {
 public:
  // `memory` must outlive it, as the kernels of its steps must.
  GlobalModule(const LargeGTOptions& options, Codebook codebook, Memory& memory);

  // In training it starts the update of the codebook by the queries.
  void Forward(const Step& step, TensorView<const float> x /* [B, H] */,
               TensorView<float> y /* [B, h*H] */);
  // Goes on with that update (Codebook::Assign). Collective.
  absl::Status AssignCodebook(const Step& step);
  // Writes gradients of its weights, and the gradient of x into d_x [B, H]. Before MoveCodebook
  // of the same step: the gradient is that of the loss, at the codebook the forward pass used.
  void Backward(const Step& step, TensorView<const float> x, TensorView<const float> d_y,
                TensorView<float> d_x);
  // Ends the update, after step.WaitForSums().
  void MoveCodebook(const Step& step);

  Codebook& codebook() { return codebook_; }

 private:
  void KeysAndValues(const Step& step);
  void MapBackward(const Step& step, const std::string& name,
                   TensorView<const float> book,               // [M, G or 2G]
                   float alpha, TensorView<const float> left,  // [B, h, M]
                   TensorView<const float> right /* [B, h*H] */, bool bias_cancels);
  void AttentionBackward(const Step& step, TensorView<const float> d_y, TensorView<float> d_query);

  LargeGTOptions options_;
  Codebook codebook_;
  LinearLayer project_{"convs.0.lin_proj_g"}, to_query_{"convs.0.lin_query_g"};
  Array<float> projected_, d_projected_;  // [B, G]
  Array<float> query_in_, d_query_in_;    // [B, 2G]: projection, encoding
  Array<float> query_, d_query_;          // [B, h*H]
  Array<float> book_values_;              // [M, G]: the first half of the codebook
  Array<float> key_, value_;              // [M, h*H]
  Array<float> d_book_map_;          // [M, h*H]: gradient of the keys, or values, of one partition
  Array<float> probability_, kept_;  // [B, h, M]
};

}  // namespace quadhop
