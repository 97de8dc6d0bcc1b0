// Additions of rows in place, of which sums over partitions are made.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/memory/memory.h"

namespace quadhop {

// Count, mean and sum of squared deviations of some values. += merges two sets (Chan, Golub and
// LeVeque, 1979).
struct Moments {
  double count = 0;
  double mean = 0;
  double m2 = 0;
  constexpr Moments& operator+=(const Moments& other) {
    if (other.count == 0) return *this;
    const double total = count + other.count;
    const double delta = other.mean - mean;
    mean += delta * (other.count / total);
    m2 += other.m2 + delta * delta * (count * other.count / total);
    count = total;
    return *this;
  }
};

// What is summed over partitions.
enum class RowElement { kFloat, kDouble, kInt64, kMoments };
template <typename T>
extern const RowElement kRowElement;  // for these four only
template <>
inline constexpr RowElement kRowElement<float> = RowElement::kFloat;
template <>
inline constexpr RowElement kRowElement<double> = RowElement::kDouble;
template <>
inline constexpr RowElement kRowElement<int64_t> = RowElement::kInt64;
template <>
inline constexpr RowElement kRowElement<Moments> = RowElement::kMoments;
constexpr int64_t BytesOf(RowElement element) {
  if (element == RowElement::kMoments) return sizeof(Moments);
  return element == RowElement::kFloat ? sizeof(float) : sizeof(double);
}

// rows[to] += rows[from].
struct RowAddition {
  int32_t to;
  int32_t from;
  bool operator==(const RowAddition&) const = default;
};

// Used by one thread at a time.
class RowAdder {
 public:
  virtual ~RowAdder() = default;

  // The memory that holds the rows; additions are work on its stream.
  virtual Memory& memory() = 0;
  // Does every addition of rows [., num_columns], in order.
  virtual void Add(RowElement element, std::byte* rows, int64_t num_columns,
                   absl::Span<const RowAddition> additions) = 0;
  // An adder for rows in the same memory, with a stream of its own, for another thread.
  virtual absl::StatusOr<std::unique_ptr<RowAdder>> OnNewStream() = 0;
};

class HostRowAdder final : public RowAdder {
 public:
  Memory& memory() override { return memory_; }
  void Add(RowElement element, std::byte* rows, int64_t num_columns,
           absl::Span<const RowAddition> additions) override;
  absl::StatusOr<std::unique_ptr<RowAdder>> OnNewStream() override {
    return std::make_unique<HostRowAdder>();
  }

 private:
  HostMemory memory_;
};

}  // namespace quadhop
