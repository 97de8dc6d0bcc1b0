// Turns a run's config and its store into the options that the modules below take.
#pragma once

#include <absl/status/statusor.h>

#include "comm/sums/reduction.h"
#include "core/store/store.h"
#include "launch/config.pb.h"
#include "model/kernels/options.h"
#include "sampler/batches/batch_loader.h"

namespace quadhop {

// The sizes of a graph that a model's sizes depend on.
struct GraphDims {
  int64_t features = 0;       // F
  int64_t hops_and_self = 0;  // rows of features per node
  int64_t pos_enc = 0;        // G
  int64_t classes = 0;        // C
};
// Without checks.
LargeGTOptions ModelOptions(const Config& config, const GraphDims& graph);
// kInvalidArgument, naming the field, if the config does not fit the store: a codebook without
// encodings, a loss that is not for its labels, hop features that are not there.
// classes_to_predict: the classes of a model that is only to predict, whatever labels the store
// has; 0: those of the store.
absl::StatusOr<LargeGTOptions> ModelOptions(const Config& config, const Store& store,
                                            int64_t classes_to_predict = 0);

LoaderOptions SamplingOptions(const Config& config);
Reduction ReductionOf(const Config& config);

}  // namespace quadhop
