// Dense row-major arrays in the memory that something computes in: like Tensor, but on the host or
// on a device. Values are read and written by explicit copies only.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/base/check.h"
#include "core/base/with_room.h"
#include "core/memory/memory.h"

namespace quadhop {

// An owned array. Values are zero at first. Moves, does not copy. The Memory must outlive it.
template <typename T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Array() = default;
  Array(Memory& memory, std::initializer_list<int64_t> dims) { Resize(memory, dims); }
  ~Array() {
    if (data_ != nullptr) memory_->Free(data_);
  }
  Array(Array&& other) noexcept { *this = std::move(other); }
  Array& operator=(Array&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(view_, other.view_);
    return *this;
  }

  // Sets the dims. Memory is kept if it suffices (values are then unspecified), else replaced by
  // zeroed memory from `memory`.
  void Resize(Memory& memory, std::initializer_list<int64_t> dims) {
    SetDims(memory, dims, /*room=*/false);
  }
  // As Resize, but memory that must grow becomes an eighth larger than asked for: sizes that change
  // a little from step to step soon need no new memory.
  void ResizeWithRoom(Memory& memory, std::initializer_list<int64_t> dims) {
    SetDims(memory, dims, /*room=*/true);
  }

  T* data() const { return view_.data(); }  // its address, which the host may be unable to read
  int64_t dim(int i) const { return view_.dim(i); }
  int64_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  T* row(int64_t i) const { return view_.row(i); }
  TensorView<T> view() { return view_; }
  TensorView<const T> view() const { return view_; }
  TensorView<const T> cview() const { return view_; }
  absl::Span<T> span() { return {data(), static_cast<size_t>(size())}; }

 private:
  void SetDims(Memory& memory, std::initializer_list<int64_t> dims, bool room) {
    view_ = TensorView<T>(nullptr, dims);
    const int64_t size = view_.size();
    if (size > capacity_) {
      if (data_ != nullptr) memory_->FreeOutgrown(std::exchange(data_, nullptr));
      capacity_ = 0;  // the allocation may throw
      memory_ = &memory;
      const int64_t capacity = room ? WithRoom(size) : size;
      const size_t bytes = static_cast<size_t>(capacity) * sizeof(T);
      data_ = static_cast<T*>(memory.Allocate(bytes));
      if (data_ != nullptr) memory.Zero(data_, bytes);  // nullptr after a device error
      capacity_ = capacity;
    }
    view_ = TensorView<T>(data_, dims);
  }

  Memory* memory_ = nullptr;
  T* data_ = nullptr;
  int64_t capacity_ = 0;
  TensorView<T> view_;
};

template <typename T>
size_t BytesOf(TensorView<T> view) {
  return static_cast<size_t>(view.size()) * sizeof(T);
}

// The values of an array, on the host. Waits for what is queued.
template <typename T>
std::vector<std::remove_const_t<T>> ToHost(Memory& memory, TensorView<T> from) {
  std::vector<std::remove_const_t<T>> values(static_cast<size_t>(from.size()));
  memory.Download(from.data(), BytesOf(from), values.data());
  return values;
}
// Copies values from the host to an array of the same size.
template <typename T>
void ToArray(Memory& memory, absl::Span<const T> values, TensorView<T> to) {
  QH_CHECK_EQ(static_cast<int64_t>(values.size()), to.size());
  memory.Upload(values.data(), BytesOf(to), to.data());
}

template <typename T>
void CopyValues(Memory& memory, TensorView<const T> from, TensorView<T> to) {
  QH_CHECK_EQ(from.size(), to.size());
  memory.Copy(from.data(), to.data(), BytesOf(from));
}

// Columns [from_begin, from_begin + count) of `from` to columns [to_begin, ...) of `to`, two
// matrices with the same number of rows.
template <typename T>
void CopyColumns(Memory& memory, TensorView<const T> from, int64_t from_begin, int64_t count,
                 TensorView<T> to, int64_t to_begin) {
  QH_CHECK_EQ(from.dim(0), to.dim(0));
  const auto bytes = [](int64_t columns) { return static_cast<size_t>(columns) * sizeof(T); };
  memory.CopyRows(from.data() + from_begin, bytes(from.row_size()), to.data() + to_begin,
                  bytes(to.row_size()), from.dim(0), bytes(count));
}

}  // namespace quadhop
