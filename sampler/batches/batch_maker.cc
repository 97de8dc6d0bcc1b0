#include "sampler/batches/batch_maker.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/with_room.h"

namespace quadhop {
BatchMaker::BatchMaker(const LoaderInputs& inputs, int32_t sampled_nodes, BatchSamplers samplers,
                       bool merge_in_training, ThreadPool& pool, StageClock& clock)
    : inputs_(inputs),
      sampled_nodes_(sampled_nodes),
      samplers_(std::move(samplers)),
      merge_in_training_(merge_in_training),
      pool_(pool),
      clock_(clock) {
  QH_CHECK_GE(sampled_nodes_, 0);
  QH_CHECK(sampled_nodes_ == 0 || samplers_.all != nullptr);
}

absl::Status BatchMaker::Make(const PassPlan& plan, int64_t t, Batch& batch) {
  const bool training = plan.pass.kind == Pass::Kind::kTrain;
  const int64_t slice = t / plan.pass.samples, sample = t % plan.pass.samples;
  batch.epoch = training ? plan.pass.epoch : -sample;
  batch.step = training ? (plan.pass.epoch - 1) * plan.num_steps() + t : -1;
  batch.global_nodes = plan.schedule.StepNodes(slice);
  TakeNodes(plan, slice, batch);
  clock_.Enter(LoaderStage::kSample);
  if (sampled_nodes_ > 0) {
    const bool apart = training && samplers_.training != nullptr;
    QH_RETURN_IF_ERROR(
        SampleNodes(apart ? *samplers_.training : *samplers_.all, batch.epoch, batch));
    if (merge_in_training_ || !training)
      merger_.Merge(sampled_nodes_, static_cast<int64_t>(unique_.size()), batch);
    else
      batch.CountEachOnce(sampled_nodes_);
  } else {
    rows_.Number(batch.nodes, batch.own, unique_);
  }
  QH_RETURN_IF_ERROR(GatherFeatures(batch));
  CopyEncodings(batch);
  CopyLabels(batch);
  return absl::OkStatus();
}

void BatchMaker::TakeNodes(const PassPlan& plan, int64_t slice, Batch& batch) const {
  batch.nodes.clear();
  batch.slice_offsets.assign(1, 0);
  for (size_t i = 0; i < plan.orders.size(); ++i) {
    const PartitionId p(inputs_.first_partition + static_cast<int32_t>(i));
    const BlockRange places = plan.schedule.Slice(p, slice);
    batch.nodes.insert(batch.nodes.end(), plan.orders[i].begin() + places.begin,
                       plan.orders[i].begin() + places.end);
    batch.slice_offsets.push_back(batch.num_nodes());
  }
}

absl::Status BatchMaker::SampleNodes(BatchSampler& sampler, int64_t epoch, Batch& batch) {
  const auto k = static_cast<size_t>(sampled_nodes_);
  sampled_.resize(batch.nodes.size() * k);
  QH_RETURN_IF_ERROR(sampler.Sample(epoch, batch.nodes, absl::MakeSpan(sampled_), pool_));
  clock_.Enter(LoaderStage::kUnique);
  rows_.Number(sampled_, batch.sampled, unique_);
  batch.own.resize(batch.nodes.size());
  for (size_t i = 0; i < batch.own.size(); ++i) batch.own[i] = batch.sampled[i * k];
  return absl::OkStatus();
}

absl::Status BatchMaker::GatherFeatures(Batch& batch) {
  batch.device_rows = inputs_.device_rows;
  if (batch.device_rows != nullptr) {
    // With room to grow, like features: page-locked memory is slow to allocate.
    if (unique_.size() > batch.rows.capacity()) batch.rows.reserve(WithRoom(unique_.size()));
    batch.rows.assign(unique_.begin(), unique_.end());
    return absl::OkStatus();
  }
  clock_.Enter(LoaderStage::kExchange);
  QH_RETURN_IF_ERROR(inputs_.features->Fetch(unique_, pool_));
  clock_.Enter(LoaderStage::kGather);
  batch.features.ResizeWithRoom({static_cast<int64_t>(unique_.size()),
                                 inputs_.features->hops_and_self(), inputs_.features->width()});
  return inputs_.features->Gather(unique_, batch.features.view(), pool_);
}

void BatchMaker::CopyEncodings(Batch& batch) const {
  if (inputs_.pos_enc.empty()) return;
  const int64_t width = inputs_.pos_enc.dim(1);
  batch.pos_enc.ResizeWithRoom({batch.num_nodes(), width});
  for (int64_t i = 0; i < batch.num_nodes(); ++i)
    std::copy_n(inputs_.pos_enc.row(batch.nodes[static_cast<size_t>(i)].value()), width,
                batch.pos_enc.data() + i * width);
}

void BatchMaker::CopyLabels(Batch& batch) const {
  if (!inputs_.multi_labels.empty()) {
    const int64_t columns = inputs_.multi_labels.dim(1);
    batch.multi_labels.ResizeWithRoom({batch.num_nodes(), columns});
    for (int64_t i = 0; i < batch.num_nodes(); ++i)
      std::copy_n(inputs_.multi_labels.row(batch.nodes[static_cast<size_t>(i)].value()), columns,
                  batch.multi_labels.data() + i * columns);
    return;
  }
  batch.labels.assign(batch.nodes.size(), kUnlabelled);
  if (inputs_.labels.empty()) return;
  for (size_t i = 0; i < batch.nodes.size(); ++i)
    batch.labels[i] = inputs_.labels[static_cast<size_t>(batch.nodes[i].value())];
}

}  // namespace quadhop
