#include "sampler/batches/pass.h"

#include <algorithm>
#include <utility>

#include "core/base/status.h"

namespace quadhop {
namespace {

bool Takes(const Pass& pass, size_t part) {
  if (pass.kind == Pass::Kind::kTrain) return part == static_cast<size_t>(SplitPart::kTrain);
  return std::find(pass.parts.begin(), pass.parts.end(), static_cast<SplitPart>(part)) !=
         pass.parts.end();
}

}  // namespace

PassPlanner::PassPlanner(const LoaderInputs& inputs, uint64_t seed, int64_t run_nodes,
                         ThreadPool& pool)
    : inputs_(inputs), seed_(seed), run_nodes_(run_nodes) {
  inputs_.CountLabelled(pool);
}

absl::Span<const GlobalId> PassPlanner::ChosenOf(const Pass& pass, size_t p) const {
  const auto place = [&](int64_t node) {
    return std::lower_bound(pass.nodes.begin(), pass.nodes.end(), GlobalId(node));
  };
  const auto begin = place(inputs_.partition_offsets[p]);
  const auto end = place(inputs_.partition_offsets[p + 1]);
  return absl::MakeConstSpan(pass.nodes)
      .subspan(static_cast<size_t>(begin - pass.nodes.begin()), static_cast<size_t>(end - begin));
}

bool PassPlanner::Visits(const Pass& pass, int64_t node) const {
  if (pass.kind == Pass::Kind::kAllNodes) return true;
  if (inputs_.split.empty()) return false;
  return Takes(pass, inputs_.split[static_cast<size_t>(node)]) && inputs_.HasLabel(node);
}

std::vector<int64_t> PassPlanner::Counts(const Pass& pass) const {
  std::vector<int64_t> counts(static_cast<size_t>(inputs_.num_partitions()));
  for (size_t p = 0; p < counts.size(); ++p) {
    if (pass.kind == Pass::Kind::kAllNodes)
      counts[p] = inputs_.partition_offsets[p + 1] - inputs_.partition_offsets[p];
    else if (pass.kind == Pass::Kind::kChosen)
      counts[p] = static_cast<int64_t>(ChosenOf(pass, p).size());
    else if (!inputs_.split.empty())
      for (size_t part = 0; part < inputs_.labelled.of_partition[p].size(); ++part)
        if (Takes(pass, part)) counts[p] += inputs_.labelled.of_partition[p][part];
  }
  return counts;
}

absl::StatusOr<PassPlan> PassPlanner::Plan(const Pass& pass, ThreadPool& pool) const {
  const bool training = pass.kind == Pass::Kind::kTrain;
  const std::vector<int64_t> counts = Counts(pass);
  QH_ASSIGN_OR_RETURN(
      BatchSchedule schedule,
      BatchSchedule::Create(counts, pass.batch, training ? kLeastTrainingNodes : 1));
  if (training && schedule.num_nodes() == 0)
    return absl::InvalidArgumentError(
        "the split has no labelled training node: choose another with --split");
  if (pass.samples < 1 || (training && pass.samples > 1))
    return absl::InvalidArgumentError(absl::StrCat(
        "samples is ", pass.samples, ", allowed is 1, or more if the pass does not train"));
  PassPlan plan{pass, std::move(schedule), {}};
  if (pass.first_step < 0 || pass.first_step > plan.num_steps())
    return absl::InvalidArgumentError(absl::StrCat(
        "first_step is ", pass.first_step, ", but the pass has ", plan.num_steps(), " steps"));
  plan.orders.resize(static_cast<size_t>(inputs_.end_partition - inputs_.first_partition));
  pool.ParallelFor(static_cast<int64_t>(plan.orders.size()), [&](int64_t i, int) {
    const auto p = static_cast<size_t>(inputs_.first_partition + i);
    std::vector<GlobalId>& order = plan.orders[static_cast<size_t>(i)];
    order.reserve(static_cast<size_t>(counts[p]));
    if (pass.kind == Pass::Kind::kChosen) {
      const absl::Span<const GlobalId> chosen = ChosenOf(pass, p);
      order.assign(chosen.begin(), chosen.end());
      return;
    }
    for (int64_t v = inputs_.partition_offsets[p]; v < inputs_.partition_offsets[p + 1]; ++v)
      if (Visits(pass, v)) order.emplace_back(v);
    if (training)
      SortByEpochOrder(seed_, pass.epoch, PartitionId(static_cast<int32_t>(p)), run_nodes_, order);
  });
  return plan;
}

}  // namespace quadhop
