#include "launch/memory/memory_plan.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>

#include "core/memory/host_memory.h"
#include "model/parameters/parameters.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr int64_t kUsualBatch = 512;

}  // namespace

int64_t EvenBatch(int64_t nodes, int64_t batch) {
  return NumBlocks(nodes, std::max<int64_t>(1, NumBlocks(nodes, batch)));
}

Config WithLargestBatch(Config config, int64_t train_nodes, int64_t nodes) {
  const int64_t largest = EvenBatch(train_nodes, config.train().batch());
  config.mutable_train()->set_batch(
      std::min(config.train().batch(), std::max(largest, std::min(nodes, kUsualBatch))));
  return config;
}

int64_t DistinctRows(int64_t draws, int64_t num_nodes) {
  // The expected number of nodes, out of N, that so many draws hit.
  const auto n = static_cast<double>(num_nodes);
  return static_cast<int64_t>(std::ceil(n * -std::expm1(-static_cast<double>(draws) / n)));
}

// All but the gradients (checkpoint_snapshot.h), and codes of all nodes on the rank that writes.
int64_t CheckpointBytes(const LargeGTOptions& options, int64_t num_nodes) {
  return 3 * ParameterSet::NumTrained(options) * kFloatBytes +
         (options.has_global() ? num_nodes * static_cast<int64_t>(sizeof(int16_t)) : 0);
}

MemoryPlan PlanMemory(const LargeGTOptions& options, const Config& config, int64_t owned_partitions,
                      int64_t num_partitions, int64_t num_nodes, int32_t num_threads) {
  const LargeGTDims& d = options.dims;
  const int64_t nodes =
      (config.train().batch() * owned_partitions + num_partitions - 1) / num_partitions;
  const int64_t rows = DistinctRows(nodes * std::max<int64_t>(1, d.sampled), num_nodes);
  const int64_t rows_bytes = rows * (d.hops_and_self * d.features * kFloatBytes + 2 * kFloatBytes);
  MemoryPlan plan;
  plan.on_gpu = config.model().backend() == ModelConfig::CUDA;
  if (plan.on_gpu) {
    const bool recorded = config.model().cuda_graphs() && owned_partitions == num_partitions;
    plan.step = StepMemoryOnGpu(options, nodes, owned_partitions, recorded);
    plan.step.activation_bytes += rows_bytes;
  } else {
    plan.step = StepMemoryOnCpu(options, nodes, owned_partitions, num_threads);
  }
  plan.batch_bytes = (config.sampler().prefetch_steps() + 1) * rows_bytes;
  plan.checkpoint_bytes = CheckpointBytes(options, num_nodes);
  return plan;
}

std::string MemoryPlan::Describe() const {
  const std::string of_step = absl::StrCat("activations ", BytesText(step.activation_bytes),
                                           ", weights ", BytesText(step.weight_bytes));
  std::string text = absl::StrCat("memory of a rank: ", BytesText(host_bytes()), " (",
                                  on_gpu ? "" : of_step + ", ", "batches ", BytesText(batch_bytes),
                                  ", checkpoints ", BytesText(checkpoint_bytes), ", graph ",
                                  BytesText(resident_bytes), ")");
  if (on_gpu)
    absl::StrAppend(&text, ", and of its GPU ", BytesText(gpu_bytes()), " (", of_step, ")");
  if (forecast_bytes > 0)
    absl::StrAppend(&text, "; before that, ", BytesText(forecast_bytes), " to choose its hot set");
  return text;
}

}  // namespace quadhop
