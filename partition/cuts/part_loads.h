// What parts hold, so that the best for a node is found without looking at each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "partition/cuts/weighted_graph.h"

namespace quadhop {

// The part with the highest score; of those that are equal, the first.
struct Choice {
  int32_t part = std::numeric_limits<int32_t>::max();
  double score = -std::numeric_limits<double>::infinity();

  bool Beats(int32_t other_part, double other_score) const {
    return score != other_score ? score > other_score : part < other_part;
  }
  void Consider(int32_t other_part, double other_score) {
    if (!Beats(other_part, other_score)) *this = {other_part, other_score};
  }
};

// A binary tree over parts. The scores below a node of it are bounded by the score of the least of
// each balance there; and, as these may be of different parts, by the scores of the parts' fullest
// balances, each taken alone.
class PartLoads {
 public:
  // most: what a part may hold.
  PartLoads(int32_t parts, const Weights& most)
      : most_(most),
        loads_(static_cast<size_t>(parts)),
        num_leaves_(std::bit_ceil(loads_.size())),
        nodes_(2 * num_leaves_, Node{kNothing, kNothing}),
        is_changed_(loads_.size()) {
    for (int32_t part = 0; part < parts; ++part) Add(part, Weights{}, 1);
  }

  int32_t parts() const { return static_cast<int32_t>(loads_.size()); }
  const Weights& Of(int32_t part) const { return loads_[static_cast<size_t>(part)]; }

  void Add(int32_t part, const Weights& weights, int64_t sign) {
    const auto p = static_cast<size_t>(part);
    loads_[p] = Plus(loads_[p], weights, sign);
    if (is_changed_[p] != 0) return;
    is_changed_[p] = 1;
    changed_.push_back(part);
  }

  // Considers all parts by score(load), which must never grow with any balance of a load. Skips
  // those below a node of the tree whose bound does not beat the best so far.
  template <typename Score>
  void Search(const Score& score, Choice& best) {
    for (const int32_t part : changed_) {
      Update(static_cast<size_t>(part));
      is_changed_[static_cast<size_t>(part)] = 0;
    }
    changed_.clear();
    SearchBelow(1, Bound(1, score), score, best);
  }

 private:
  struct Node {
    Weights least;    // of each balance, of the parts below
    Weights fullest;  // of each balance, of those parts that are fullest in it
    bool operator==(const Node&) const = default;
  };
  static constexpr int64_t kNone = int64_t{1} << 61;
  static constexpr Weights kNothing = {kNone, kNone, kNone};

  void Update(size_t part) {
    const Weights& load = loads_[part];
    size_t at = num_leaves_ + part;
    size_t most_of = 0;
    double fullness = -1;
    for (size_t b = 0; b < kBalances; ++b) {
      if (most_[b] == 0) continue;
      const double of_balance = static_cast<double>(load[b]) / static_cast<double>(most_[b]);
      if (of_balance <= fullness) continue;
      fullness = of_balance;
      most_of = b;
    }
    nodes_[at] = {load, kNothing};
    nodes_[at].fullest[most_of] = load[most_of];
    for (at /= 2; at > 0; at /= 2) {
      const Node &left = nodes_[2 * at], &right = nodes_[2 * at + 1];
      const Node both = {Least(left.least, right.least), Least(left.fullest, right.fullest)};
      if (both == nodes_[at]) break;
      nodes_[at] = both;
    }
  }
  static Weights Least(const Weights& a, const Weights& b) {
    return {std::min(a[0], b[0]), std::min(a[1], b[1]), std::min(a[2], b[2])};
  }

  template <typename Score>
  double Bound(size_t at, const Score& score) const {
    const Node& node = nodes_[at];
    const double of_least = score(node.least);
    if (at >= num_leaves_) return of_least;
    double of_fullest = -std::numeric_limits<double>::infinity();
    for (size_t b = 0; b < kBalances; ++b) {
      if (node.fullest[b] == kNone) continue;
      Weights alone = {-kNone, -kNone, -kNone};
      alone[b] = node.fullest[b];
      of_fullest = std::max(of_fullest, score(alone));
    }
    return std::min(of_least, of_fullest);
  }

  template <typename Score>
  void SearchBelow(size_t at, double bound, const Score& score, Choice& best) const {
    if (best.Beats(FirstPart(at), bound)) return;
    if (at >= num_leaves_) return best.Consider(FirstPart(at), bound);
    const double left = Bound(2 * at, score), right = Bound(2 * at + 1, score);
    if (left >= right) SearchBelow(2 * at, left, score, best);
    SearchBelow(2 * at + 1, right, score, best);
    if (left < right) SearchBelow(2 * at, left, score, best);
  }
  int32_t FirstPart(size_t at) const {  // below a node
    while (at < num_leaves_) at *= 2;
    return static_cast<int32_t>(at - num_leaves_);
  }

  Weights most_;
  std::vector<Weights> loads_;  // [P]
  size_t num_leaves_;
  std::vector<Node> nodes_;       // [2 * leaves]: the root is 1, the children of i 2 i and 2 i + 1
  std::vector<int32_t> changed_;  // parts whose leaves are out of date: few nodes need a search
  std::vector<uint8_t> is_changed_;  // [P]: whether a part is among them
};

}  // namespace quadhop
