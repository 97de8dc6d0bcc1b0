#include "model/largegt/step_memory.h"

#include "model/kernels/local_weights.h"
#include "model/parameters/parameters.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatBytes = 4;

int64_t RoundUp(int64_t columns) { return (columns + 7) / 8 * 8; }

int64_t OperandBytes(const LargeGTOptions& options) {
  return options.precision == Precision::kBF16 ? 2 : 4;
}

// Of the local module, per token: see LocalActivations.
int64_t TokenBytesOnCpu(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  return (2 * d.width + 3 * d.wide() + d.heads * d.sequence()) * OperandBytes(options) +
         4 * kFloatBytes + d.wide() / 4;
}

// The same on a GPU, which keeps what goes into products, features too, and takes all tokens
// through one layer after the other: gradients of four layers and of the probabilities come on top
// of that (cuda/local_activations_cuda.h, cuda/local_backward.cu). Rows are padded to 8, and
// buffers keep an eighth more than was asked for.
int64_t TokenBytesOnGpu(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  const int64_t operands =
      RoundUp(d.token_columns()) + 5 * d.width + 5 * d.wide() + 2 * d.heads * RoundUp(d.sequence());
  return (operands * OperandBytes(options) + 6 * kFloatBytes + RoundUp(d.wide()) / 4) * 9 / 8;
}

// The part of it that a step gives back at its end (cuda/local_backward.cu), unless it was
// recorded.
int64_t PassingTokenBytesOnGpu(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  return (2 * d.width + 2 * d.wide() + d.heads * RoundUp(d.sequence())) * OperandBytes(options);
}

// Kept per node besides its tokens: see GlobalModule and LargeGT.
int64_t NodeBytes(const LargeGTOptions& options) {
  const LargeGTDims& d = options.dims;
  // Logits: the model's, their gradients, and those that evaluations take from it.
  int64_t floats =
      10 * d.width + 8 * d.wide() + 2 * d.features + 3 * d.own_columns() + 3 * d.classes;
  if (options.has_global()) floats += 2 * d.heads * d.centroids + 3 * d.wide() + 3 * d.query();
  return floats * kFloatBytes;
}

// Values, gradients by partition and two moments, and the codebook's sums.
int64_t WeightBytes(const LargeGTOptions& options, int64_t owned_partitions) {
  const LargeGTDims& d = options.dims;
  return ((4 + owned_partitions) * ParameterSet::NumTrained(options) +
          (3 * d.wide() + owned_partitions * d.query()) * d.centroids) *
         kFloatBytes;
}

}  // namespace

StepMemory StepMemoryOnCpu(const LargeGTOptions& options, int64_t nodes, int64_t owned_partitions,
                           int32_t num_threads) {
  StepMemory memory{nodes * NodeBytes(options), WeightBytes(options, owned_partitions)};
  if (options.has_local()) {
    memory.activation_bytes += nodes * options.dims.sequence() * TokenBytesOnCpu(options);
    // Gradients that a thread sums apart (cpu/lane_sums.h). Not counted: those of at most 14 lanes
    // a partition that wait for a thread that was held up in an earlier one.
    memory.weight_bytes += num_threads * LocalWeights::NumFloats(options.dims) * kFloatBytes;
  }
  return memory;
}

StepMemory StepMemoryOnGpu(const LargeGTOptions& options, int64_t nodes, int64_t owned_partitions,
                           bool recorded) {
  StepMemory memory{nodes * NodeBytes(options) + kGpuKernelBytes,
                    WeightBytes(options, owned_partitions)};
  if (options.has_local()) {
    const int64_t passing_bytes = recorded ? PassingTokenBytesOnGpu(options) : 0;
    memory.activation_bytes +=
        nodes * options.dims.sequence() * (TokenBytesOnGpu(options) + passing_bytes);
  }
  return memory;
}

}  // namespace quadhop
