// Attention of each node to the codebook: maps the node's input embedding and positional encoding
// to one row of [B, h*H].
#pragma once

#include <absl/status/status.h>

#include <string>

#include "model/layers/codebook.h"
#include "model/layers/linear_layer.h"

namespace quadhop {

// Used by one thread. Backward comes after the Forward of the same step, and uses its arrays.
class GlobalModule {
 public:
  // `memory` and the kernels of its steps must outlive the module.
  GlobalModule(const LargeGTOptions& options, Codebook codebook, Memory& memory);

  // In training, also starts the update of the codebook from the queries.
  void Forward(const Step& step, TensorView<const float> x /* [B, H] */,
               TensorView<float> y /* [B, h*H] */);
  // Continues that update (Codebook::Assign). Collective.
  absl::Status AssignCodebook(const Step& step);
  // Writes the gradients of its weights, and the gradient of x into d_x [B, H]. Must precede
  // MoveCodebook of the same step: the gradient is that of the loss at the codebook that the
  // forward pass used.
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
