#include "partition/import/target/random_split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/store/store.h"

namespace quadhop {
namespace {

// A node in the order in which its class's nodes take their parts.
struct Drawn {
  int32_t of_class;
  uint64_t draw;
  size_t node;
};

using PartSizes = std::array<int64_t, 3>;  // train, valid, test
constexpr PartSizes kFifths = {3, 1, 1};

// The sizes of each class's parts, of classes of `counts` nodes: within one of its shares, and
// together the rounded shares of all, by largest remainders; chance decides between equal ones.
std::vector<PartSizes> Apportion(absl::Span<const int64_t> counts, uint64_t seed) {
  const int64_t all = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  PartSizes missing;  // of all parts' sizes
  for (size_t part = 0; part < 2; ++part) missing[part] = (2 * all * kFifths[part] + 5) / 10;
  missing[1] = std::min(missing[1], all - missing[0]);
  missing[2] = all - missing[0] - missing[1];
  struct Remainder {
    int64_t fifths;
    uint64_t draw;
    size_t of_class, part;
  };
  std::vector<PartSizes> sizes;
  std::vector<int64_t> unplaced(counts.begin(), counts.end());  // nodes of a class
  std::vector<Remainder> remainders;
  for (size_t c = 0; c < counts.size(); ++c) {
    PartSizes& of_class = sizes.emplace_back();
    for (size_t part = 0; part < of_class.size(); ++part) {
      of_class[part] = counts[c] * kFifths[part] / 5;
      unplaced[c] -= of_class[part];
      missing[part] -= of_class[part];
      remainders.push_back({counts[c] * kFifths[part] % 5,
                            StreamKey(seed, RandomPurpose::kSplit, c, 1 + part), c, part});
    }
  }
  std::sort(remainders.begin(), remainders.end(), [](const Remainder& a, const Remainder& b) {
    return std::pair(b.fifths, a.draw) < std::pair(a.fifths, b.draw);
  });
  // A second time, for what the largest remainders could not place.
  for (int pass = 0; pass < 2; ++pass)
    for (const auto& [fifths, draw, c, part] : remainders) {
      if (unplaced[c] == 0 || missing[part] == 0) continue;
      ++sizes[c][part];
      --unplaced[c];
      --missing[part];
    }
  return sizes;
}

}  // namespace

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

std::vector<uint8_t> SplitOfClasses(absl::Span<const int32_t> classes,
                                    absl::Span<const int64_t> keys, uint64_t seed) {
  std::vector<Drawn> nodes;
  for (size_t v = 0; v < classes.size(); ++v)
    if (classes[v] >= 0)
      nodes.push_back({classes[v],
                       StreamKey(seed, RandomPurpose::kSplit, static_cast<uint64_t>(keys[v]), 0),
                       v});
  std::sort(nodes.begin(), nodes.end(), [](const Drawn& a, const Drawn& b) {
    return std::tie(a.of_class, a.draw, a.node) < std::tie(b.of_class, b.draw, b.node);
  });
  std::vector<int64_t> counts;  // of the classes that occur, ascending
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (i == 0 || nodes[i].of_class != nodes[i - 1].of_class) counts.push_back(0);
    ++counts.back();
  }
  std::vector<uint8_t> parts(classes.size(), static_cast<uint8_t>(SplitPart::kNone));
  auto node = nodes.begin();
  for (const PartSizes& sizes : Apportion(counts, seed))
    for (size_t part = 0; part < sizes.size(); ++part)
      for (int64_t i = 0; i < sizes[part]; ++i)
        parts[(node++)->node] = static_cast<uint8_t>(part + 1);
  return parts;
}

}  // namespace quadhop
