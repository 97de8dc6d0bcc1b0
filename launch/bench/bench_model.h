// Speed of training steps.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>

#include "launch/bench/bench_machine.h"
#include "model/options.h"

namespace quadhop {

// Sizes of a model and its batch, and its necessary operations: those of a node's step, forward and
// backward, that are left after the merging of DESIGN.md section 4.
struct BenchShape {
  const char* name;
  int64_t features, width, heads, sampled, classes, centroids, pos_enc, batch;
  double gflop_per_node;
};
// The paper's settings for its data sets, and the quickstart's.
absl::Span<const BenchShape> BenchShapes();
LargeGTOptions OptionsOf(const BenchShape& shape, Precision precision);

struct StepFigures {
  double seconds = 0;             // the median of the steps after one to warm up
  double evaluation_seconds = 0;  // of as many nodes; tokens without repeats take longest
  int64_t peak_bytes = 0;         // of training; see BenchMachine::PeakBytes
};
// Training steps on random tokens without repeats, dropout and Adam included, on random classes and
// from a random codebook, whatever the options say of loss and start. Fewer than `steps`, and one
// at least, where they take long.
absl::StatusOr<StepFigures> MeasureSteps(LargeGTOptions options, int64_t batch_size, int64_t steps,
                                         BenchMachine& machine);

}  // namespace quadhop
