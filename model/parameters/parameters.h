// The weights of a LargeGT in one array, under the names of the paper's public code, and their
// gradients.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/array.h"
#include "core/arrays/tensor.h"
#include "core/memory/memory.h"
#include "model/kernels/kernels.h"
#include "model/kernels/options.h"

namespace quadhop {

// Gradients that become known at the same time in a backward pass, and are summed over partitions
// together.
enum class GradientGroup {
  kHead,    // ffs, fc_out
  kGlobal,  // the codebook's attention, and fc_in's second map
  kInput,   // fc_in's first map and norm
  kLocal,   // the local module: its gradients are those of LocalWeights, from which the chain rule
            // gives those of its parameters
  kUnused,  // in the paper's code and exchanged files, but no output depends on them: never trained
};
inline constexpr size_t kNumGradientGroups = 5;

enum class Initial {
  kUniformByInputs,  // uniform in +-1/sqrt(inputs): torch's default for linear maps
  kNormal,           // normal, standard deviation 0.02
  kZero,
  kOne,
};

struct Parameter {
  std::string name;
  std::vector<int64_t> dims;
  GradientGroup group;
  Initial initial;
  int64_t inputs;  // of the linear map it belongs to; for kUniformByInputs
  int64_t offset = 0;
  int64_t size = 0;
};

// All parameters of a model: values and summed gradients, each in one array in which a group is one
// piece and kUnused the last. Every parameter begins at a multiple of 64 bytes, because products
// read and write 16 at a time; the gaps between parameters are zero, and stay so. Used by one
// thread at a time.
class ParameterSet {
 public:
  // Initial values as in the paper's code, a function of (seed, name) alone. Kept in `memory`,
  // which must outlive this.
  ParameterSet(const LargeGTOptions& options, Memory& memory);
  // The number of trained weights of such a set, without making it.
  static int64_t NumTrained(const LargeGTOptions& options);
  Memory& memory() { return memory_; }

  // In the order of the paper's state dict.
  absl::Span<const Parameter> parameters() const { return parameters_; }
  const Parameter& Find(absl::string_view name) const;  // QH_CHECKs that it is there
  TensorView<float> value(absl::string_view name) { return ViewOf(values_, Find(name)); }
  // The gradient of a trained parameter.
  TensorView<float> gradient(absl::string_view name) { return ViewOf(gradients_, Find(name)); }
  TensorView<float> value(const Parameter& parameter) { return ViewOf(values_, parameter); }

  // The trained parameters and the gaps between them [trained_size()].
  TensorView<float> trained_values() { return {values_.data(), {trained_size()}}; }
  TensorView<float> trained_gradients() { return gradients_.view(); }
  int64_t trained_size() const { return group_begin_[static_cast<size_t>(GradientGroup::kUnused)]; }
  int64_t GroupBegin(GradientGroup group) const { return group_begin_[static_cast<size_t>(group)]; }
  int64_t GroupSize(GradientGroup group) const;
  absl::Span<float> GroupGradients(GradientGroup group);

 private:
  static TensorView<float> ViewOf(Array<float>& all, const Parameter& parameter);

  Memory& memory_;
  std::vector<Parameter> parameters_;
  std::array<int64_t, kNumGradientGroups + 1> group_begin_{};
  Array<float> values_;     // [n]
  Array<float> gradients_;  // [trained_size()]
};

// Per-partition gradients of the groups that are summed as they are (all but kLocal and kUnused).
class GradientSummands {
 public:
  GradientSummands(ParameterSet& parameters, int64_t num_owned_partitions);
  // Where the kernels write the gradient of a parameter.
  PartitionGradients Of(const Parameter& parameter);
  absl::Span<float> Group(GradientGroup group);  // [Pl, size of the group]
  // Sets the gradient of a parameter to zero, its exact value.
  void Zero(Memory& memory, const Parameter& parameter);

 private:
  std::array<Array<float>, kNumGradientGroups> groups_;
  std::array<int64_t, kNumGradientGroups> group_begin_{};
};

}  // namespace quadhop
