// How much each class counts in the loss.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "core/store/store.h"
#include "launch/config.pb.h"

namespace quadhop {

// Weights of the classes for train.class_weights, [C]; empty if UNIFORM. BALANCED: N_train / (C *
// nodes of the class) over the labelled training nodes of `split`; classes without any have weight
// 0. For multi-label targets, of a label where it is 1: training nodes that are 0 / those that are
// 1, or 1 if there are none of either. Errors are the store's.
absl::StatusOr<std::vector<float>> ClassWeights(const TrainConfig& config, const Store& store,
                                                const std::string& split);

}  // namespace quadhop
