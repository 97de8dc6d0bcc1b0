// dropout(relu(norm(linear(x)))): what fc_in, fc_in_seq and ffs.0 are made of.
#pragma once

#include <string>

#include "tests/reference/activations.h"
#include "tests/reference/linear.h"
#include "tests/reference/norms.h"

namespace quadhop::reference {

// In a torch.nn.Sequential `name`, the linear map stands at `index` and the norm, if any, behind
// it.
template <typename T>
class Block {
 public:
  Block(const std::string& name, size_t index, NormKind norm)
      : linear_(name + "." + std::to_string(index)),
        norm_(norm, name + "." + std::to_string(index + 1)) {}

  // x [rows, in], mask [rows, out] or empty -> [rows, out].
  Values<T> Forward(Arrays<T>& state, const Values<T>& x, const Values<T>& mask, Mode mode) {
    relu_ = Relu(norm_.Forward(state, linear_.Forward(state, x), mode));
    mask_ = mask;
    return Dropout(relu_, mask_);
  }

  Values<T> Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    const Values<T> d_norm = ReluBackward(relu_, Dropout(d_y, mask_));
    return linear_.Backward(state, norm_.Backward(state, d_norm, grads), grads);
  }

 private:
  Linear<T> linear_;
  Norm<T> norm_;
  Values<T> relu_, mask_;  // [rows, out]
};

// Where the linear map behind a block at 0 stands: linear, [norm,] relu, dropout, linear.
inline size_t IndexAfterBlock(NormKind norm) { return norm == NormKind::kNone ? 3 : 4; }

}  // namespace quadhop::reference
