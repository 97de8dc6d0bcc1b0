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

int64_t RoundUp(int64_t columns) { return (columns + 7) / 8 * 8; }

int64_t OperandBytes(const LargeGTOptions& options) {
  return options.precision == Precision::kBF16 ? 2 : 4;
}

// Of the local module, a token: see LocalActivations.
int64_t TokenBytes(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  return (2 * d.width + 3 * d.wide() + d.heads * d.sequence()) * OperandBytes(options) +
         4 * kFloatBytes + d.wide() / 4;
}

// The same on a GPU, which keeps what goes into products, features too, and takes all tokens
// through one layer after the other: gradients of four layers and of the probabilities stand beside
// that (model/cuda/local_activations_cuda.h, local_backward.cu). Rows are padded to 8, and buffers
// keep an eighth more than was asked for.
int64_t TokenBytesOnGpu(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  const int64_t operands =
      RoundUp(d.features) + 5 * d.width + 5 * d.wide() + 2 * d.heads * RoundUp(d.sequence());
  return (operands * OperandBytes(options) + 6 * kFloatBytes + RoundUp(d.wide()) / 4) * 9 / 8;
}

// What of it a step gives back at its end (local_backward.cu): recordings of steps have their own.
int64_t PassingTokenBytesOnGpu(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  return (2 * d.width + 2 * d.wide() + d.heads * RoundUp(d.sequence())) * OperandBytes(options);
}

// Bytes kept of one node: see GlobalModule and LargeGT.
int64_t ActivationBytes(const LargeGTOptions& options, bool on_gpu) {
  const LargeGTDims& d = options.dims;
  // Logits: the model's, their gradients, and those that evaluations take from it.
  int64_t floats = 10 * d.width + 8 * d.wide() + 2 * d.features + 3 * d.classes;
  if (options.has_global()) floats += 2 * d.heads * d.centroids + 3 * d.wide() + 3 * d.query();
  const int64_t token_bytes = !options.has_local() ? 0
                              : on_gpu             ? TokenBytesOnGpu(options)
                                                   : TokenBytes(options);
  return floats * kFloatBytes + d.sequence() * token_bytes;
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
  plan.on_gpu = config.model().backend() == ModelConfig::CUDA;
  plan.activation_bytes = nodes * ActivationBytes(options, plan.on_gpu);
  const int64_t rows = DistinctRows(nodes * std::max<int64_t>(1, d.sampled), num_nodes);
  const int64_t rows_bytes = rows * (d.hops_and_self * d.features * kFloatBytes + 2 * kFloatBytes);
  plan.batch_bytes = (config.sampler().prefetch_steps() + 1) * rows_bytes;
  if (plan.on_gpu) plan.activation_bytes += rows_bytes + kGpuKernelBytes;
  const bool records_steps =
      plan.on_gpu && config.model().cuda_graphs() && owned_partitions == num_partitions;
  if (records_steps && options.has_local())
    plan.activation_bytes += nodes * d.sequence() * PassingTokenBytesOnGpu(options);
  // Values, gradients and two moments.
  plan.weight_bytes = (4 + owned_partitions) * parameters * kFloatBytes +
                      (3 * d.wide() + owned_partitions * d.query()) * d.centroids * kFloatBytes;
  // A thread sums gradients of the local module apart (model/cpu/lane_sums.h).
  if (options.has_local() && !plan.on_gpu)
    plan.weight_bytes += num_threads * LocalWeights::NumFloats(d) * kFloatBytes;
  // All but the gradients (checkpoint_snapshot.h), and codes of all nodes on the rank that writes.
  plan.checkpoint_bytes =
      3 * parameters * kFloatBytes +
      (options.has_global() ? num_nodes * static_cast<int64_t>(sizeof(int16_t)) : 0);
  return plan;
}

std::string MemoryPlan::Describe() const {
  const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
  const std::string step = absl::StrFormat("activations %.2f, weights %.2f",
                                           gigabytes(activation_bytes), gigabytes(weight_bytes));
  std::string text =
      absl::StrFormat("memory of a rank: %s (%sbatches %.2f, checkpoints %.2f, graph %.2f)",
                      Gigabytes(host_bytes()), on_gpu ? "" : step + ", ", gigabytes(batch_bytes),
                      gigabytes(checkpoint_bytes), gigabytes(resident_bytes));
  if (on_gpu) absl::StrAppend(&text, ", and of its GPU ", Gigabytes(gpu_bytes()), " (", step, ")");
  if (forecast_bytes > 0)
    absl::StrAppend(&text, "; before, ", Gigabytes(forecast_bytes), " to choose its hot set");
  return text;
}

}  // namespace quadhop
