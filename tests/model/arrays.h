// Arrays of kernels, from and to the host.
#pragma once

#include <functional>
#include <vector>

#include "core/arrays/array.h"

namespace quadhop {

// A copy of `host` where the kernels compute.
template <typename T>
Array<T> ArrayOf(Memory& memory, Tensor<T>& host) {
  Array<T> array(memory, {host.size()});
  memory.Upload(host.data(), BytesOf(host.view()), array.data());
  return array;
}

// Replaces each value by change(value), in order.
template <typename T>
void Change(Memory& memory, TensorView<T> array, const std::function<T(T)>& change) {
  std::vector<T> values = ToHost(memory, array);
  for (T& value : values) value = change(value);
  ToArray<T>(memory, values, array);
}

}  // namespace quadhop
