// Whether every host has a store and what training on it needs.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "launch/config.pb.h"
#include "launch/doctor/finding.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

// Collective. `config` is complete.
absl::StatusOr<Findings> CheckStore(const RankContext& context, const std::string& path,
                                    const Config& config);

}  // namespace quadhop
