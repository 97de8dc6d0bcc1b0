// Speed of training steps.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>

#include "launch/bench/bench_machine.h"
#include "model/kernels/options.h"

namespace quadhop {

// Sizes of a model and its batch, and the operations per node that a step needs, forward and
// backward: those that are left after the merging of DESIGN.md section 4.
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
  double evaluation_seconds = 0;  // for as many nodes; tokens without repeats take longest
  int64_t peak_bytes = 0;         // of training; see BenchMachine::PeakBytes
};
// Measures training steps, dropout and Adam included, on random tokens without repeats, with random
// classes and from a random codebook, whatever the options say about loss and start. Measures fewer
// than `steps`, but at least one, if they take long.
absl::StatusOr<StepFigures> MeasureSteps(LargeGTOptions options, int64_t batch_size, int64_t steps,
                                         BenchMachine& machine);

}  // namespace quadhop
