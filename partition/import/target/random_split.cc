#include "partition/import/target/random_split.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

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

std::vector<uint8_t> SplitOfClasses(absl::Span<const int32_t> classes,
                                    absl::Span<const int64_t> keys, uint64_t seed) {
  std::vector<Drawn> nodes;
  for (size_t v = 0; v < classes.size(); ++v)
    if (classes[v] >= 0)
      nodes.push_back({classes[v],
                       StreamKey(seed, RandomPurpose::kSplit,
                                 keys.empty() ? v : static_cast<uint64_t>(keys[v]), 0),
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
