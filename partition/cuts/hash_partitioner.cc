#include <algorithm>
#include <numeric>

#include "core/base/rng.h"
#include "partition/cuts/partitioner.h"

namespace quadhop {
namespace {

class HashPartitioner final : public Partitioner {
 private:
  absl::StatusOr<std::vector<int32_t>> DoCut(const PartitionProblem& problem,
                                             ThreadPool&) const override {
    struct Card {
      bool other;  // not a training node: dealt out last
      uint64_t hash;
      int64_t node;
      auto operator<=>(const Card&) const = default;
    };
    std::vector<Card> cards(static_cast<size_t>(problem.topology.num_nodes()));
    for (size_t i = 0; i < cards.size(); ++i)
      cards[i] = {problem.train.empty() || problem.train[i] == 0,
                  StreamKey(problem.seed, RandomPurpose::kPartition, i, 0),
                  static_cast<int64_t>(i)};
    std::sort(cards.begin(), cards.end());
    std::vector<int32_t> part_of(cards.size());
    for (size_t i = 0; i < cards.size(); ++i)
      part_of[static_cast<size_t>(cards[i].node)] =
          static_cast<int32_t>(i % static_cast<size_t>(problem.parts));
    return part_of;
  }
};

}  // namespace

std::unique_ptr<Partitioner> MakeHashPartitioner() { return std::make_unique<HashPartitioner>(); }

}  // namespace quadhop
