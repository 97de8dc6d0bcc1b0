#include "launch/memory/memory_plan.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>

#include "core/host_memory.h"
#include "model/local_weights.h"
#include "model/parameters.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatBytes = 4;
constexpr int64_t kUsualBatch = 512;

// Bytes kept of one node: see LocalActivations, GlobalModule and LargeGT.
int64_t ActivationBytes(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  const int64_t tokens = d.sequence();
  // Logits: the model's, their gradients, and those that evaluations take from it.
  int64_t floats = 10 * d.width + 8 * d.wide() + 2 * d.features + 3 * d.classes;
  int64_t local_bytes = 0;
  if (options.has_local()) {
    const int64_t operand_bytes = options.precision == Precision::kBF16 ? 2 : 4;
    local_bytes = tokens * (2 * d.width + 3 * d.wide() + d.heads * tokens) * operand_bytes +
                  tokens * (4 * kFloatBytes + d.wide() / 4);
  }
  if (options.has_global()) floats += 2 * d.heads * d.centroids + 3 * d.wide() + 3 * d.query();
  return floats * kFloatBytes + local_bytes;
}

}  // namespace

Config WithLargestBatch(Config config, int64_t train_nodes, int64_t nodes) {
  config.mutable_train()->set_batch(
      std::min(config.train().batch(), std::max(train_nodes, std::min(nodes, kUsualBatch))));
  return config;
}

int64_t DistinctRows(int64_t draws, int64_t num_nodes) {
  // Of N nodes, those that are hit by as many draws.
  const auto n = static_cast<double>(num_nodes);
  return static_cast<int64_t>(std::ceil(n * -std::expm1(-static_cast<double>(draws) / n)));
}

MemoryPlan PlanMemory(const LargeGTOptions& options, const Config& config, int64_t owned_partitions,
                      int64_t num_partitions, int64_t num_nodes, int32_t num_threads) {
  const LargeGTDims& d = options.dims;
  const int64_t nodes =
      (config.train().batch() * owned_partitions + num_partitions - 1) / num_partitions;
  const int64_t parameters = ParameterSet::NumTrained(options);
  MemoryPlan plan;
  plan.activation_bytes = nodes * ActivationBytes(options);
  const int64_t rows = DistinctRows(nodes * std::max<int64_t>(1, d.sampled), num_nodes);
  plan.batch_bytes = (config.sampler().prefetch_steps() + 1) * rows *
                     (d.hops_and_self * d.features * kFloatBytes + 2 * kFloatBytes);
  // Values, gradients and two moments; and a copy of all but gradients (checkpoint_snapshot.h).
  plan.weight_bytes = (4 + 3 + owned_partitions) * parameters * kFloatBytes +
                      (3 * d.wide() + owned_partitions * d.query()) * d.centroids * kFloatBytes;
  // A thread sums gradients of the local module apart (model/cpu/lane_sums.h).
  if (options.has_local())
    plan.weight_bytes += num_threads * LocalWeights::NumFloats(d) * kFloatBytes;
  return plan;
}

std::string MemoryPlan::Describe() const {
  const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
  std::string text = absl::StrFormat(
      "memory of a rank: %s (activations %.2f, batches %.2f, graph %.2f, weights %.2f)",
      Gigabytes(total_bytes()), gigabytes(activation_bytes), gigabytes(batch_bytes),
      gigabytes(resident_bytes), gigabytes(weight_bytes));
  if (forecast_bytes > 0)
    absl::StrAppend(&text, "; before, ", Gigabytes(forecast_bytes), " to choose its hot set");
  return text;
}

}  // namespace quadhop
