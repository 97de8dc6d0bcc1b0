// The ways to make positional encodings from a graph, by name.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "core/thread_pool.h"
#include "core/topology.h"
#include "partition/steps/progress.h"
#include "partition/steps/step_needs.h"

namespace quadhop {

// Borrowed.
struct EncoderInput {
  Topology topology;
  bool directed = false;
  absl::Span<const int64_t> keys;  // [N]: original ids, which random numbers are keyed by
  uint64_t seed = 0;
  int64_t memory_bytes = 0;    // that working arrays may take: the method's least at least
  std::string scratch_folder;  // for what they would take beyond
  ThreadPool& pool;
  std::string* note = nullptr;  // where given, gets what is to be said of the result, if anything
  ProgressHook on_progress{};
};

// Fills out [N, G]: a function of graph, keys and seed, not of the threads. kInvalidArgument where
// the method is not for such a graph, kResourceExhausted where the disk does not suffice; `out` is
// then unspecified.
using Encoder = absl::Status (*)(const EncoderInput& input, TensorView<float> out);

// In the order of the help.
std::vector<std::string> EncoderNames();

struct EncodingMethod {
  const char* name;
  Encoder encode;
  // Beside the graph and the encodings, which are mapped files (but for node2vec's, see there).
  StepNeeds (*needs)(int64_t num_nodes, int64_t dim);
  int64_t products;  // of the graph with a matrix [N, G], about, for the time it takes
  // Whether columns mean the same on another graph: those of a random map or of walks do; order,
  // sign and rotation of singular vectors, and of what is trained, are a graph's own.
  bool keeps_axes;
};
// Lives on. kInvalidArgument, naming those there are.
absl::StatusOr<const EncodingMethod*> FindEncoder(absl::string_view name);

}  // namespace quadhop
