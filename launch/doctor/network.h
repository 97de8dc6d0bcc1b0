// How fast ranks speak with each other, measured the way training does.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include "launch/doctor/finding.h"
#include "launch/doctor/host_facts.h"

namespace quadhop {

// Between rank 0 and the first rank of each other host, one host after the other, at most 16 of
// them; where there is one host, between its first two ranks. Empty for one rank. The same on
// every rank but for the figures, which are rank 0's. Collective.
absl::StatusOr<Findings> MeasureNetwork(const RankContext& context,
                                        absl::Span<const HostFacts> facts);

}  // namespace quadhop
