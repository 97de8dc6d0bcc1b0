// y = x W^T + b, row by row.
#pragma once

#include <string>
#include <utility>

#include "tests/reference/arrays.h"

namespace quadhop::reference {

// x [rows, in], W [out, in], b [out], y [rows, out]. Backward belongs to the last Forward.
template <typename T>
class Linear {
 public:
  explicit Linear(std::string name) : name_(std::move(name)) {}

  Values<T> Forward(const Arrays<T>& state, const Values<T>& x) {
    const Array<T>& w = Get(state, name_ + ".weight");
    const Values<T>& b = Get(state, name_ + ".bias").values;
    const size_t out = w.dims[0], in = w.dims[1], rows = x.size() / in;
    QH_CHECK_EQ(x.size(), rows * in);
    Values<T> y(rows * out);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t o = 0; o < out; ++o) {
        T sum = b[o];
        for (size_t i = 0; i < in; ++i) sum += x[r * in + i] * w.values[o * in + i];
        y[r * out + o] = sum;
      }
    }
    x_ = x;
    return y;
  }

  // d_x = d_y W, d_W += d_y^T x, d_b += the sum of the rows of d_y.
  Values<T> Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    const Array<T>& w = Get(state, name_ + ".weight");
    const size_t out = w.dims[0], in = w.dims[1], rows = x_.size() / in;
    QH_CHECK_EQ(d_y.size(), rows * out);
    Values<T>& d_w = GradientOf(state, name_ + ".weight", grads);
    Values<T>& d_b = GradientOf(state, name_ + ".bias", grads);
    Values<T> d_x(rows * in, T{0});
    for (size_t r = 0; r < rows; ++r) {
      for (size_t o = 0; o < out; ++o) {
        const T d = d_y[r * out + o];
        d_b[o] += d;
        for (size_t i = 0; i < in; ++i) {
          d_x[r * in + i] += d * w.values[o * in + i];
          d_w[o * in + i] += d * x_[r * in + i];
        }
      }
    }
    return d_x;
  }

 private:
  std::string name_;
  Values<T> x_;  // [rows, in]
};

}  // namespace quadhop::reference
