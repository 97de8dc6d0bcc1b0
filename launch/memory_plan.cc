#include "launch/memory_plan.h"

#include <absl/strings/str_format.h>

#include "model/local_weights.h"
#include "model/parameters.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatBytes = 4;

// Bytes kept of one node: see LocalActivations, GlobalModule and LargeGT.
int64_t ActivationBytes(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  const int64_t tokens = d.sequence();
  int64_t floats = 10 * d.width + 8 * d.wide() + 2 * d.features;
  int64_t local_bytes = 0;
  if (options.has_local()) {
    const int64_t operand_bytes = options.precision == Precision::kBF16 ? 2 : 4;
    local_bytes =
        tokens * (d.features + 2 * d.width + 3 * d.wide() + d.heads * tokens) * operand_bytes +
        tokens * (4 * kFloatBytes + d.wide() / 4);
  }
  if (options.has_global()) floats += 2 * d.heads * d.centroids + 3 * d.wide() + 3 * d.query();
  return floats * kFloatBytes + local_bytes;
}

}  // namespace

MemoryPlan PlanMemory(const LargeGTOptions& options, const Config& config, int64_t owned_partitions,
                      int64_t num_partitions) {
  const LargeGTDims& d = options.dims;
  const int64_t nodes =
      (config.train().batch() * owned_partitions + num_partitions - 1) / num_partitions;
  const ParameterSet parameters(options);
  MemoryPlan plan;
  plan.activation_bytes = nodes * ActivationBytes(options);
  // Features of distinct sampled nodes, at most all of them.
  const int64_t rows = nodes * (d.sampled > 0 ? d.sampled : 1);
  plan.batch_bytes = (config.sampler().prefetch_steps() + 1) * rows *
                     (d.hops_and_self * d.features * kFloatBytes + 2 * kFloatBytes);
  plan.weight_bytes = (4 + owned_partitions) * parameters.num_trained() * kFloatBytes +
                      owned_partitions * d.centroids * (2 * d.wide() + d.query()) * kFloatBytes;
  return plan;
}

std::string MemoryPlan::Describe() const {
  const auto gigabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e9; };
  return absl::StrFormat(
      "memory of a rank: %.2f GB (activations %.2f, batches %.2f, graph %.2f, weights %.2f)",
      gigabytes(total_bytes()), gigabytes(activation_bytes), gigabytes(batch_bytes),
      gigabytes(resident_bytes), gigabytes(weight_bytes));
}

}  // namespace quadhop
