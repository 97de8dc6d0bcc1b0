// RUN/machine.json: what a run runs on.
#pragma once

#include <absl/status/statusor.h>

#include "launch/json/json_object.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

// {"version":..,"ranks":..,"threads":..,"hosts":[{"name":..,"ranks":..},...],"processor":..,
// "cores":..,"memory_bytes":..}: threads of a rank; hosts in the order of their first rank;
// processor, cores and memory of rank 0's host. Collective.
absl::StatusOr<JsonObject> DescribeMachine(const RankContext& context);

}  // namespace quadhop
