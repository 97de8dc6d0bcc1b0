// GPUs of the ranks, and NCCL between them.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include "launch/config.pb.h"
#include "launch/doctor/finding.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

// Whether each rank has a GPU of its own that works, and what NCCL there is. Built without CUDA:
// that it is, a failure only if `config` asks for CUDA. Collective.
absl::StatusOr<Findings> CheckGpus(const RankContext& context, const Config& config);

}  // namespace quadhop
