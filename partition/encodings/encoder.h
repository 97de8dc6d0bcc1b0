// The ways to make positional encodings from a graph, by name.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/store.h"
#include "core/tensor.h"
#include "core/thread_pool.h"

namespace quadhop {

// Borrowed.
struct EncoderInput {
  Topology topology;
  bool directed = false;
  absl::Span<const int64_t> keys;  // [N]: original ids, which random numbers are keyed by
  uint64_t seed = 0;
  int64_t memory_bytes = 0;  // that working arrays may take; 0: what is available
  ThreadPool& pool;
};

// Fills out [N, G]: a function of graph, keys and seed, not of the threads. kInvalidArgument where
// the method is not for such a graph, kResourceExhausted where memory does not suffice; `out` is
// then unspecified.
using Encoder = absl::Status (*)(const EncoderInput& input, TensorView<float> out);

// In the order of the help.
std::vector<std::string> EncoderNames();
// kInvalidArgument, naming those there are.
absl::StatusOr<Encoder> FindEncoder(absl::string_view name);

}  // namespace quadhop
