// How fast ranks communicate with each other, measured the way training communicates.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include "launch/doctor/finding.h"
#include "launch/doctor/host_facts.h"

namespace quadhop {

// Measures between rank 0 and the first rank of each other host, one host after the other, at most
// 16 of them; if there is only one host, between its first two ranks. Empty for one rank. The same
// on every rank except for the figures, which are rank 0's. Collective.
absl::StatusOr<Findings> MeasureNetwork(const RankContext& context,
                                        absl::Span<const HostFacts> facts);

}  // namespace quadhop
