// Arguments of kernels that stand in the host's memory, on the device for the time of one call.
#pragma once

#include <absl/types/span.h>

#include "core/cuda/cuda_device.h"
#include "core/tensor.h"

namespace quadhop::cuda {

// A copy of what a kernel reads.
template <typename T>
class Input {
 public:
  Input(Device& device, TensorView<const T> host) : Input(device, host.data(), host.size()) {}
  Input(Device& device, absl::Span<const T> host)
      : Input(device, host.data(), static_cast<int64_t>(host.size())) {}
  Input(Device& device, const T* host, int64_t size) : buffer_(device, size) {
    device.Upload(host, static_cast<size_t>(size) * sizeof(T), buffer_.data());
  }
  const T* data() const { return buffer_.data(); }  // nullptr if empty

 private:
  Buffer<T> buffer_;
};

// What a kernel writes, and reads as well if it is Updated; copied back when it goes out of scope.
template <typename T>
class Output {
 public:
  Output(Device& device, TensorView<T> host) : Output(device, host.data(), host.size()) {}
  Output(Device& device, T* host, int64_t size)
      : device_(device),
        host_(host),
        bytes_(static_cast<size_t>(size) * sizeof(T)),
        buffer_(device, size) {}
  ~Output() { device_.Download(buffer_.data(), bytes_, host_); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  T* data() const { return buffer_.data(); }

 protected:
  void Fill() { device_.Upload(host_, bytes_, buffer_.data()); }

 private:
  Device& device_;
  T* const host_;
  const size_t bytes_;
  Buffer<T> buffer_;
};

template <typename T>
class Updated : public Output<T> {
 public:
  Updated(Device& device, TensorView<T> host) : Output<T>(device, host) { this->Fill(); }
};

}  // namespace quadhop::cuda
