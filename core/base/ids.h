// Ids as distinct types, so that the compiler refuses to mix them.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>

namespace quadhop {

template <typename Tag, typename Rep>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const Id&) const = default;
  constexpr Id& operator++() {
    ++value_;
    return *this;
  }
  friend std::ostream& operator<<(std::ostream& out, Id id) { return out << id.value_; }

 private:
  Rep value_ = 0;
};

// A node of the store: its row in partition order, in [0, N).
using GlobalId = Id<struct GlobalIdTag, int64_t>;
// A row of one batch's feature table, in [0, U).
using LocalRow = Id<struct LocalRowTag, int32_t>;
// In [0, P).
using PartitionId = Id<struct PartitionIdTag, int32_t>;
// In [0, R).
using Rank = Id<struct RankTag, int32_t>;

}  // namespace quadhop
