// Dense row-major arrays in memory: Tensor owns, TensorView borrows. Every use carries its dims in
// a comment.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory_resource>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/base/with_room.h"
#include "core/memory/aligned_memory.h"

namespace quadhop {

inline constexpr int kMaxTensorRank = 4;

// A borrowed, dense, row-major array. Copying a view copies no data; the owner must outlive it.
template <typename T>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, std::initializer_list<int64_t> dims)
      : data_(data), rank_(static_cast<int>(dims.size())) {
    QH_CHECK_LE(rank_, kMaxTensorRank);
    std::copy(dims.begin(), dims.end(), dims_.begin());
  }
  // A view of T converts to a view of const T.
  template <typename U>
  requires(std::is_const_v<T>&& std::is_same_v<std::remove_const_t<T>, U>)
      TensorView(TensorView<U> other)  // NOLINT(google-explicit-constructor): adds const only
      : data_(other.data()), rank_(other.rank()) {
    for (int i = 0; i < rank_; ++i) dims_[static_cast<size_t>(i)] = other.dim(i);
  }

  T* data() const { return data_; }
  int rank() const { return rank_; }
  int64_t dim(int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t size() const {
    int64_t product = rank_ == 0 ? 0 : 1;
    for (int i = 0; i < rank_; ++i) product *= dim(i);
    return product;
  }
  bool empty() const { return size() == 0; }
  T& operator[](int64_t i) const { return data_[i]; }
  // Elements in one step of the first dim.
  int64_t row_size() const { return rank_ == 0 || dim(0) == 0 ? 0 : size() / dim(0); }
  T* row(int64_t i) const { return data_ + i * row_size(); }
  // Rows [begin, end) of the first dim.
  TensorView Rows(int64_t begin, int64_t end) const {
    QH_CHECK_LE(begin, end);
    TensorView part = *this;
    part.data_ = row(begin);
    part.dims_[0] = end - begin;
    return part;
  }
  // A view with the same dims of data elsewhere.
  TensorView At(T* data) const {
    TensorView other = *this;
    other.data_ = data;
    return other;
  }
  bool HasDims(std::initializer_list<int64_t> dims) const {
    return static_cast<int>(dims.size()) == rank_ &&
           std::equal(dims.begin(), dims.end(), dims_.begin());
  }

 private:
  T* data_ = nullptr;
  std::array<int64_t, kMaxTensorRank> dims_{};
  int rank_ = 0;
};

// An owned, dense, row-major array, aligned to 64 bytes. Values are zero at first. Moves, does not
// copy.
template <typename T>
class Tensor {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Tensor() = default;
  // Allocates from `resource`, which must outlive it.
  explicit Tensor(std::pmr::memory_resource* resource) : resource_(resource) {}
  explicit Tensor(std::initializer_list<int64_t> dims) { Resize(dims); }
  ~Tensor() { Free(); }
  Tensor(Tensor&& other) noexcept { *this = std::move(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    std::swap(resource_, other.resource_);
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(view_, other.view_);
    return *this;
  }

  // Sets the dims. Memory is kept if it suffices (values are then unspecified), else replaced by
  // zeros.
  void Resize(std::initializer_list<int64_t> dims) {
    view_ = TensorView<T>(nullptr, dims);
    const int64_t size = view_.size();
    if (size > capacity_) {
      Allocate(size);
      std::fill_n(reinterpret_cast<unsigned char*>(data_), static_cast<size_t>(size) * sizeof(T),
                  0);
    }
    view_ = TensorView<T>(data_, dims);
  }
  // Sets the dims; values are unspecified. Memory that must grow gets room for more, untouched.
  void ResizeWithRoom(std::initializer_list<int64_t> dims) {
    view_ = TensorView<T>(nullptr, dims);
    const int64_t size = view_.size();
    if (size > capacity_) Allocate(WithRoom(size));
    view_ = TensorView<T>(data_, dims);
  }
  void Fill(T value) { std::fill_n(data(), size(), value); }

  T* data() { return view_.data(); }
  const T* data() const { return view_.data(); }
  int64_t dim(int i) const { return view_.dim(i); }
  int64_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  T& operator[](int64_t i) { return view_[i]; }
  const T& operator[](int64_t i) const { return view_[i]; }
  T* row(int64_t i) { return view_.row(i); }
  const T* row(int64_t i) const { return view_.row(i); }
  TensorView<T> view() { return view_; }
  TensorView<const T> view() const { return view_; }
  TensorView<const T> cview() const { return view_; }

 private:
  static constexpr size_t kAlignmentBytes = 64;

  void Allocate(int64_t size) {
    Free();  // the allocation may throw
    data_ = static_cast<T*>(
        resource_->allocate(static_cast<size_t>(size) * sizeof(T), kAlignmentBytes));
    capacity_ = size;
  }
  void Free() {
    if (data_ != nullptr)
      resource_->deallocate(data_, static_cast<size_t>(capacity_) * sizeof(T), kAlignmentBytes);
    data_ = nullptr;
    capacity_ = 0;
  }

  std::pmr::memory_resource* resource_ = AlignedResource();
  T* data_ = nullptr;
  int64_t capacity_ = 0;
  TensorView<T> view_;
};

}  // namespace quadhop
