#include "sampler/features/unique_rows.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/base/check.h"
#include "core/base/rng.h"

namespace quadhop {

void UniqueRows::Number(absl::Span<const GlobalId> nodes, std::pmr::vector<LocalRow>& rows,
                        std::vector<GlobalId>& unique) {
  constexpr size_t kAhead = 8;
  QH_CHECK_LT(nodes.size(), static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  const size_t slots = std::bit_ceil(2 * nodes.size() + 2);
  const size_t mask = slots - 1;
  const auto slot_of = [mask](GlobalId node) {
    return static_cast<size_t>(Mix64(static_cast<uint64_t>(node.value()))) & mask;
  };
  table_.assign(slots, -1);
  rows.resize(nodes.size());
  unique.clear();
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (i + kAhead < nodes.size()) __builtin_prefetch(&table_[slot_of(nodes[i + kAhead])]);
    size_t slot = slot_of(nodes[i]);
    while (table_[slot] != -1 && unique[static_cast<size_t>(table_[slot])] != nodes[i])
      slot = (slot + 1) & mask;
    if (table_[slot] == -1) {
      table_[slot] = static_cast<int32_t>(unique.size());
      unique.push_back(nodes[i]);
    }
    rows[i] = LocalRow(table_[slot]);
  }
}

}  // namespace quadhop
