// Checks the GPUs of the ranks.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include "launch/config.pb.h"
#include "launch/doctor/finding.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

inline bool AsksForGpus(const Config& config) {
  return config.model().backend() == ModelConfig::CUDA ||
         config.sampler().backend() == SamplerConfig::CUDA;
}

// Whether each rank has a working GPU of its own; no GPU, or a program built without CUDA, is a
// failure only if `config` asks for CUDA. Collective.
absl::StatusOr<Findings> CheckGpus(const RankContext& context, const Config& config);

}  // namespace quadhop
