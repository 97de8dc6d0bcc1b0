#include "sampler/batches/schedule.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<BatchSchedule> BatchSchedule::Create(absl::Span<const int64_t> num_nodes,
                                                    int64_t batch, int64_t least_step_nodes) {
  if (batch < least_step_nodes)
    return absl::InvalidArgumentError(absl::StrCat("batch is ", batch, ", allowed is ",
                                                   least_step_nodes, " or more nodes per step"));
  BatchSchedule schedule;
  for (int64_t n : num_nodes) {
    QH_CHECK_GE(n, 0);
    schedule.total_ += n;
  }
  schedule.shares_.resize(num_nodes.size());
  if (schedule.total_ == 0) return schedule;
  if (schedule.total_ < least_step_nodes)
    return absl::InvalidArgumentError(absl::StrCat("the pass has ", schedule.total_,
                                                   " nodes, but a step needs ", least_step_nodes,
                                                   ": check the split and the labels"));
  int64_t steps = (schedule.total_ - 1) / batch + 1;
  if (steps > std::numeric_limits<int32_t>::max())
    return absl::InvalidArgumentError(
        absl::StrCat("batch ", batch, " cuts ", schedule.total_,
                     " nodes into more than 2^31 steps: choose a larger batch"));
  schedule.SetSteps(num_nodes, steps);
  while (steps > 1 && !schedule.EveryStepHas(least_step_nodes)) {
    steps -= std::max(int64_t{1}, steps / 256);
    schedule.SetSteps(num_nodes, steps);
  }
  return schedule;
}

void BatchSchedule::SetSteps(absl::Span<const int64_t> num_nodes, int64_t num_steps) {
  num_steps_ = num_steps;
  int64_t before = 0;
  for (size_t p = 0; p < num_nodes.size(); ++p) {
    shares_[p] = {num_nodes[p] / num_steps, num_nodes[p] % num_steps, before % num_steps};
    before += num_nodes[p];
  }
}

bool BatchSchedule::EveryStepHas(int64_t least) const {
  int64_t sure = 0;
  for (const Share& share : shares_) sure += share.quotient;
  if (sure >= least) return true;
  for (int64_t t = 0; t < num_steps_; ++t)
    if (StepNodes(t) < least) return false;
  return true;
}

// t, remainder and offset are below T < 2^31.
int64_t BatchSchedule::Boundary(const Share& share, int64_t t) const {
  return t * share.quotient + (t * share.remainder + share.offset) / num_steps_;
}

BlockRange BatchSchedule::Slice(PartitionId p, int64_t t) const {
  QH_CHECK_LT(t, num_steps_);
  const Share& share = shares_[static_cast<size_t>(p.value())];
  return {Boundary(share, t), Boundary(share, t + 1)};
}

int64_t BatchSchedule::StepNodes(int64_t t) const {
  QH_CHECK_LT(t, num_steps_);
  int64_t nodes = 0;
  for (const Share& share : shares_) nodes += Boundary(share, t + 1) - Boundary(share, t);
  return nodes;
}

void SortByEpochOrder(uint64_t seed, int64_t epoch, PartitionId partition, int64_t run_nodes,
                      std::vector<GlobalId>& nodes) {
  QH_CHECK_GE(run_nodes, 1);
  const uint64_t key = StreamKey(seed, RandomPurpose::kEpochOrder, static_cast<uint64_t>(epoch),
                                 static_cast<uint64_t>(partition.value()));
  if (run_nodes > 1) std::sort(nodes.begin(), nodes.end());
  const uint64_t runs = static_cast<uint64_t>(run_nodes), shift = Mix64(key) % runs;
  const auto shuffled_as = [&](size_t i) {
    return run_nodes > 1 ? (i + shift) / runs : static_cast<uint64_t>(nodes[i].value());
  };
  // Mix64 is a bijection: no two nodes, or runs, have equal hashes.
  std::vector<std::pair<uint64_t, GlobalId>> keyed;
  keyed.reserve(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i)
    keyed.emplace_back(Mix64(key ^ shuffled_as(i)), nodes[i]);
  std::sort(keyed.begin(), keyed.end());
  for (size_t i = 0; i < nodes.size(); ++i) nodes[i] = keyed[i].second;
}

}  // namespace quadhop
