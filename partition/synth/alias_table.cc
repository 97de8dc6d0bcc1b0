#include "partition/synth/alias_table.h"

#include <algorithm>
#include <numeric>

#include "core/base/check.h"

namespace quadhop {

AliasTable::AliasTable(absl::Span<const double> weights) : slots_(weights.size()) {
  QH_CHECK_LT(weights.size(), size_t{1} << 32);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  QH_CHECK_GT(sum, 0);
  std::vector<double> share(weights.begin(), weights.end());  // of a slot that is 1 wide
  for (double& value : share) value *= static_cast<double>(weights.size()) / sum;
  std::vector<uint32_t> small, large;
  for (uint32_t i = 0; i < share.size(); ++i) (share[i] < 1 ? small : large).push_back(i);
  // Each slot of a small item is filled up by a large one, which thereby may become small.
  while (!small.empty() && !large.empty()) {
    const uint32_t s = small.back(), l = large.back();
    small.pop_back();
    slots_[s] = {static_cast<uint32_t>(std::min(share[s] * 0x1p32, 0x1p32 - 1)), l};
    share[l] -= 1 - share[s];
    if (share[l] < 1) {
      large.pop_back();
      small.push_back(l);
    }
  }
  // What is left is 1 wide, except for rounding.
  for (const std::vector<uint32_t>& rest : {small, large})
    for (const uint32_t i : rest) slots_[i] = {UINT32_MAX, i};
}

}  // namespace quadhop
