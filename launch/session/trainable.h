// Whether a store has what training needs.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/config.pb.h"
#include "sampler/batches/loader_inputs.h"

namespace quadhop {

// kFailedPrecondition if the targets' split has fewer labelled training nodes than a step takes, or
// if the best epoch is to be the one with the largest area under the ROC curve, and validation
// nodes have none.
absl::Status CheckSplit(const LoaderInputs& targets, const Store& store, const std::string& split,
                        const Config& config);

// Checks that, and whether features, encodings, labels and `split` ("": the default) suit the
// config. Errors are those of Session::Create.
absl::Status CheckTrainable(const Store& store, const std::string& split, const Config& config,
                            ThreadPool& pool);

}  // namespace quadhop
