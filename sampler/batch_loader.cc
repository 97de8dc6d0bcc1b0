#include "sampler/batch_loader.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <utility>

#include "core/check.h"
#include "core/status.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<BatchLoader>> BatchLoader::Create(const LoaderInputs& inputs,
                                                                 const LoaderOptions& options) {
  QH_RETURN_IF_ERROR(inputs.Validate());
  if (options.prefetch_steps < 0 || options.num_threads < 1 || options.sampler.sampled_nodes < 0)
    return absl::InvalidArgumentError(
        absl::StrCat("prefetch_steps is ", options.prefetch_steps, " and sampled_nodes ",
                     options.sampler.sampled_nodes, ", allowed are 0 or more; num_threads is ",
                     options.num_threads, ", allowed is 1 or more"));
  if (options.sampler.sampled_nodes > 0 && inputs.topology.num_nodes() < 1)
    return absl::InvalidArgumentError("sampling needs a topology, but the inputs have none");
  return std::unique_ptr<BatchLoader>(new BatchLoader(inputs, options));
}

BatchLoader::BatchLoader(const LoaderInputs& inputs, const LoaderOptions& options)
    : pool_(options.num_threads),
      planner_(inputs, options.sampler.seed, pool_),
      maker_(inputs, options.sampler, pool_),
      prefetch_steps_(options.prefetch_steps),
      slots_(static_cast<size_t>(options.prefetch_steps) + 1) {}

BatchLoader::~BatchLoader() { StopProducer(); }

absl::Status BatchLoader::Start(const Pass& pass) {
  const absl::Time begin = absl::Now();
  StopProducer();
  plan_.reset();
  QH_ASSIGN_OR_RETURN(plan_, planner_.Plan(pass, pool_));
  made_ = released_ = taken_ = 0;
  stop_ = false;
  error_ = absl::OkStatus();
  if (prefetch_steps_ > 0) producer_ = std::thread([this] { Produce(); });
  exposed_wait_seconds_ = absl::ToDoubleSeconds(absl::Now() - begin);
  return absl::OkStatus();
}

int64_t BatchLoader::num_steps() const {
  QH_CHECK(plan_.has_value());
  return plan_->schedule.num_steps();
}

absl::StatusOr<const Batch*> BatchLoader::Next() {
  const absl::Time begin = absl::Now();
  auto batch = TakeNext();
  exposed_wait_seconds_ += absl::ToDoubleSeconds(absl::Now() - begin);
  return batch;
}

absl::StatusOr<const Batch*> BatchLoader::TakeNext() {
  QH_CHECK(plan_.has_value());
  std::unique_lock<std::mutex> lock(mutex_);
  released_ = taken_;
  changed_.notify_all();
  if (taken_ == num_steps() - plan_->pass.first_step) return nullptr;
  Batch& slot = slots_[static_cast<size_t>(taken_) % slots_.size()];
  if (prefetch_steps_ > 0) {
    changed_.wait(lock, [this] { return made_ > taken_ || !error_.ok(); });
    if (made_ == taken_) return error_;
  } else {
    if (error_.ok()) error_ = maker_.Make(*plan_, plan_->pass.first_step + taken_, slot);
    QH_RETURN_IF_ERROR(error_);
  }
  ++taken_;
  return &slot;
}

void BatchLoader::Produce() {
  const int64_t num_batches = num_steps() - plan_->pass.first_step;
  const auto num_slots = static_cast<int64_t>(slots_.size());
  for (int64_t i = 0; i < num_batches; ++i) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || i < released_ + num_slots; });
      if (stop_) return;
    }
    absl::Status status =
        maker_.Make(*plan_, plan_->pass.first_step + i, slots_[static_cast<size_t>(i % num_slots)]);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (status.ok())
      ++made_;
    else
      error_ = std::move(status);
    changed_.notify_all();
    if (!error_.ok()) return;
  }
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
