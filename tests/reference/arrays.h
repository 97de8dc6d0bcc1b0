// Named arrays of the reference model: parameters, buffers and gradients under the names of the
// paper's code. Everything in tests/reference is plain loops in the order of the formulas,
// templated on float or double, and shares no code with model/: it is what model/ is checked
// against.
//
// Dims are those of DESIGN.md section 4: B batch nodes, S tokens each, F features, H width, h heads
// (each as wide as H), G encoding width, M centroids, C classes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/base/check.h"

namespace quadhop::reference {

template <typename T>
using Values = std::vector<T>;  // row-major; its dims stand in a comment

template <typename T>
struct Array {
  std::vector<size_t> dims;
  Values<T> values;  // row-major
};

template <typename T>
using Arrays = std::map<std::string, Array<T>>;

template <typename T>
const Array<T>& Get(const Arrays<T>& arrays, const std::string& name) {
  const auto found = arrays.find(name);
  if (found == arrays.end()) internal::CheckFailed(__FILE__, __LINE__, "no array " + name);
  return found->second;
}

template <typename T>
Array<T>& Get(Arrays<T>& arrays, const std::string& name) {
  return const_cast<Array<T>&>(Get(static_cast<const Arrays<T>&>(arrays), name));
}

// The gradient of parameter `name`, to be added to: zeros when first asked for. Parameters that a
// model does not use never get one, as in torch.
template <typename T>
Values<T>& GradientOf(const Arrays<T>& state, const std::string& name, Arrays<T>& grads) {
  const Array<T>& parameter = Get(state, name);
  auto [entry, is_new] = grads.try_emplace(name);
  if (is_new) entry->second = {parameter.dims, Values<T>(parameter.values.size(), T{0})};
  return entry->second.values;
}

// a + b, element by element.
template <typename T>
Values<T> Sum(const Values<T>& a, const Values<T>& b) {
  QH_CHECK_EQ(a.size(), b.size());
  Values<T> sum(a);
  for (size_t i = 0; i < b.size(); ++i) sum[i] += b[i];
  return sum;
}

// Rows of `left` columns from a and of `right` columns from b, side by side: [rows, left + right].
template <typename T>
Values<T> JoinColumns(const Values<T>& a, size_t left, const Values<T>& b, size_t right) {
  QH_CHECK_EQ(a.size() / left, b.size() / right);
  Values<T> joined;
  joined.reserve(a.size() + b.size());
  for (size_t r = 0; r < a.size() / left; ++r) {
    for (size_t i = 0; i < left; ++i) joined.push_back(a[r * left + i]);
    for (size_t i = 0; i < right; ++i) joined.push_back(b[r * right + i]);
  }
  return joined;
}

// Columns [begin, end) of x [rows, width].
template <typename T>
Values<T> Columns(const Values<T>& x, size_t width, size_t begin, size_t end) {
  Values<T> part;
  for (size_t r = 0; r < x.size() / width; ++r)
    for (size_t i = begin; i < end; ++i) part.push_back(x[r * width + i]);
  return part;
}

}  // namespace quadhop::reference
