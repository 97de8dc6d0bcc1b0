// The ways to make positional encodings from a graph, by name.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "partition/steps/progress.h"
#include "partition/steps/step_needs.h"

namespace quadhop {

// Borrowed.
struct EncoderInput {
  Topology topology;
  bool directed = false;
  absl::Span<const int64_t> keys;  // [N]: what random numbers are keyed by (node_keys.h)
  uint64_t seed = 0;
  int64_t memory_bytes = 0;    // what working arrays may take; no less than the method's least
  std::string scratch_folder;  // for what exceeds that
  ThreadPool& pool;
  std::string* note = nullptr;  // if given, receives what is to be said of the result, if anything
  ProgressHook on_progress{};
};

// Fills out [N, G], whose columns are still to be standardised: a function of graph, keys and seed,
// not of the threads. kInvalidArgument if the method is not for such a graph, kResourceExhausted if
// the disk does not suffice; `out` is then unspecified.
using Encoder = absl::Status (*)(const EncoderInput& input, TensorView<float> out);

// In the order of the help.
std::vector<std::string> EncoderNames();

struct EncodingMethod {
  const char* name;
  Encoder encode;
  // Besides the graph and the encodings, which are mapped files (except node2vec's, see there).
  StepNeeds (*needs)(int64_t num_nodes, int64_t dim);
  int64_t products;  // of the graph with a matrix [N, G], about, for the time it takes
  // Whether columns mean the same on another graph: those of a random map or of walks do; singular
  // vectors, and what is trained, have an order, sign and rotation of the graph's own.
  bool keeps_axes;
};
// The method with this name; it is never destroyed. kInvalidArgument, naming the methods there are.
absl::StatusOr<const EncodingMethod*> FindEncoder(absl::string_view name);

}  // namespace quadhop
