#include "sampler/batches/batch_loader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/threads/out_of_memory.h"
#include "sampler/cuda/batch_sampler_cuda.h"

namespace quadhop {
namespace {

StageSeconds Difference(const StageSeconds& later, const StageSeconds& earlier) {
  StageSeconds difference;
  for (size_t i = 0; i < later.size(); ++i) difference[i] = later[i] - earlier[i];
  return difference;
}

FeatureTraffic Difference(const FeatureTraffic& later, const FeatureTraffic& earlier) {
  return {later.rows - earlier.rows, later.remote_rows - earlier.remote_rows,
          later.hot_rows - earlier.hot_rows, later.received_bytes - earlier.received_bytes};
}

// The GPU memory that the topology takes is subtracted from `device_bytes`.
absl::StatusOr<std::unique_ptr<BatchSampler>> MakeSampler(const Topology& topology,
                                                          const LoaderOptions& options,
                                                          int64_t* device_bytes) {
  if (options.sampler_backend == SamplerBackend::kHost)
    return MakeHostBatchSampler(topology, options.sampler);
  const int64_t free_bytes = *device_bytes;
  *device_bytes -= DeviceTopologyBytes(topology, free_bytes);
  return MakeCudaBatchSampler(topology, options.sampler, options.local_rank, free_bytes);
}

}  // namespace

double LoaderStats::exposed_wait_seconds() const {
  return std::accumulate(exposed_seconds.begin(), exposed_seconds.end(), 0.0);
}

absl::StatusOr<std::unique_ptr<BatchLoader>> BatchLoader::Create(const LoaderInputs& inputs,
                                                                 const LoaderOptions& options) {
  QH_RETURN_IF_ERROR(inputs.Validate());
  if (options.prefetch_steps < 0 || options.num_threads < 1 || options.run_nodes < 1 ||
      options.sampler.sampled_nodes < 0)
    return absl::InvalidArgumentError(absl::StrCat(
        "prefetch_steps is ", options.prefetch_steps, " and sampled_nodes ",
        options.sampler.sampled_nodes, ", allowed are 0 or more; num_threads is ",
        options.num_threads, " and run_nodes ", options.run_nodes, ", allowed are 1 or more"));
  if (options.sampler.sampled_nodes > 0 && inputs.topology.num_nodes() < 1)
    return absl::InvalidArgumentError("sampling needs a topology, but the inputs have none");
  BatchSamplers samplers;
  if (options.sampler.sampled_nodes > 0) {
    int64_t device_bytes = options.device_topology_bytes;
    if (!inputs.training_topology.indptr.empty()) {  // first, since it is read most
      QH_ASSIGN_OR_RETURN(samplers.training,
                          MakeSampler(inputs.training_topology, options, &device_bytes));
    }
    QH_ASSIGN_OR_RETURN(samplers.all, MakeSampler(inputs.topology, options, &device_bytes));
  }
  return std::unique_ptr<BatchLoader>(new BatchLoader(inputs, options, std::move(samplers)));
}

BatchLoader::BatchLoader(const LoaderInputs& inputs, const LoaderOptions& options,
                         BatchSamplers samplers)
    : pool_(options.num_threads),
      features_(*inputs.features),
      planner_(inputs, options.sampler.seed, options.run_nodes, pool_),
      maker_(inputs, options.sampler.sampled_nodes, std::move(samplers), options.multiplicities,
             pool_, clock_),
      prefetch_steps_(options.prefetch_steps) {
  for (int64_t i = 0; i <= prefetch_steps_; ++i) slots_.emplace_back(inputs.batch_memory);
}

BatchLoader::~BatchLoader() {
  if (HasUnmadeExchanges()) features_.Cancel();
  StopProducer();
}

absl::Status BatchLoader::Start(const Pass& pass) {
  if (HasUnmadeExchanges())
    return absl::FailedPreconditionError(
        "a pass is begun before the end of another one, whose exchanges other ranks wait for: take "
        "its batches to the end, or end it early on all ranks (EndBefore)");
  StopProducer();
  busy_before_ = clock_.Read();
  clock_.Enter(LoaderStage::kPlan);
  const absl::Status status = Begin(pass);
  clock_.Enter(LoaderStage::kIdle);
  exposed_seconds_ = Difference(clock_.Read(), busy_before_);
  if (status.ok() && prefetch_steps_ > 0) producer_ = std::thread([this] { Produce(); });
  return status;
}

absl::Status BatchLoader::Begin(const Pass& pass) {
  plan_.reset();
  end_ = made_ = released_ = taken_ = 0;
  stop_ = false;
  error_ = absl::OkStatus();
  traffic_before_ = traffic_ = features_.traffic();
  QH_ASSIGN_OR_RETURN(plan_, planner_.Plan(pass, pool_));
  end_ = plan_->num_steps() - pass.first_step;
  return absl::OkStatus();
}

int64_t BatchLoader::num_steps() const {
  QH_CHECK(plan_.has_value());
  return plan_->num_steps();
}

absl::StatusOr<const Batch*> BatchLoader::Next() {
  const StageSeconds before = clock_.Read();
  auto batch = TakeNext();
  const StageSeconds waited = Difference(clock_.Read(), before);
  for (size_t i = 0; i < waited.size(); ++i) exposed_seconds_[i] += waited[i];
  return batch;
}

absl::StatusOr<const Batch*> BatchLoader::TakeNext() {
  QH_CHECK(plan_.has_value());
  std::unique_lock<std::mutex> lock(mutex_);
  released_ = taken_;
  changed_.notify_all();
  if (taken_ == end_) return nullptr;
  if (prefetch_steps_ > 0) {
    changed_.wait(lock, [this] { return made_ > taken_ || !error_.ok(); });
  } else if (error_.ok()) {
    lock.unlock();
    absl::Status status = Make(taken_);
    lock.lock();
    Note(std::move(status));
  }
  if (made_ == taken_) return error_;
  return &slots_[static_cast<size_t>(taken_++) % slots_.size()];
}

absl::Status BatchLoader::Make(int64_t i) {
  absl::Status status = maker_.Make(*plan_, plan_->pass.first_step + i,
                                    slots_[static_cast<size_t>(i) % slots_.size()]);
  clock_.Enter(LoaderStage::kIdle);
  return status;
}

// To be called with mutex_ held.
void BatchLoader::Note(absl::Status status) {
  traffic_ = features_.traffic();
  if (status.ok())
    ++made_;
  else
    error_ = std::move(status);
  changed_.notify_all();
}

void BatchLoader::Produce() {
  const auto num_slots = static_cast<int64_t>(slots_.size());
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stop_ || made_ >= end_ || made_ < released_ + num_slots; });
    if (stop_ || made_ >= end_) return;
    const int64_t next = made_;
    lock.unlock();
    absl::Status status = OrOutOfMemory("making a batch", [&] { return Make(next); });
    lock.lock();
    Note(std::move(status));
    if (!error_.ok()) return;
  }
}

void BatchLoader::EndBefore(int64_t step) {
  QH_CHECK(plan_.has_value());
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t batches = step - plan_->pass.first_step;
  const int64_t begun = std::min(end_, taken_ + (features_.exchanges() ? prefetch_steps_ : 0));
  QH_CHECK_GE(batches, begun);
  end_ = std::min(end_, std::max(batches, made_));
  changed_.notify_all();
}

bool BatchLoader::HasUnmadeExchanges() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return features_.exchanges() && made_ < end_;
}

LoaderStats BatchLoader::stats() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  LoaderStats stats;
  stats.busy_seconds = Difference(clock_.Read(), busy_before_);
  stats.exposed_seconds = exposed_seconds_;
  stats.traffic = Difference(traffic_, traffic_before_);
  return stats;
}

void BatchLoader::StopProducer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  if (producer_.joinable()) producer_.join();
}

}  // namespace quadhop
