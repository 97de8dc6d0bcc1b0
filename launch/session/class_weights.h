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
// 0. kInvalidArgument if the labels are not classes.
absl::StatusOr<std::vector<float>> ClassWeights(const TrainConfig& config, const Store& store,
                                                const std::string& split);

}  // namespace quadhop
