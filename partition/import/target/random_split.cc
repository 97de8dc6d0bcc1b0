#include "partition/import/target/random_split.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/store/store.h"

namespace quadhop {

std::vector<uint8_t> RandomSplit(int64_t num_nodes, double train_share, double valid_share,
                                 uint64_t seed) {
  QH_CHECK(train_share >= 0 && valid_share >= 0 && train_share + valid_share <= 1);
  const double total = static_cast<double>(num_nodes);
  const int64_t num_train = std::llround(train_share * total);
  const int64_t num_valid =
      std::min(std::llround(valid_share * total), static_cast<long long>(num_nodes - num_train));
  std::vector<uint8_t> parts(static_cast<size_t>(num_nodes),
                             static_cast<uint8_t>(SplitPart::kTest));
  const auto train_end = parts.begin() + num_train;
  std::fill(parts.begin(), train_end, static_cast<uint8_t>(SplitPart::kTrain));
  std::fill(train_end, train_end + num_valid, static_cast<uint8_t>(SplitPart::kValid));
  RandomStream random(seed, RandomPurpose::kSplit, 0, 0);
  for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[random.Below(i)]);
  return parts;
}

}  // namespace quadhop
