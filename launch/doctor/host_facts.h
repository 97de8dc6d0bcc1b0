// What each rank reports about its host, and what follows from all of it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "launch/doctor/finding.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

struct HostFacts {
  char name[64] = {};                  // of the host, cut to fit
  int64_t cores = 0;                   // that the rank may use
  int64_t threads = 0;                 // that it would start
  int64_t available_memory_bytes = 0;  // of the host
  int64_t open_files = 0;              // how many the rank may have
  int64_t clock_ns = 0;                // just after all ranks met
  bool avx2 = false, avx512 = false;
  bool bf16 = false;  // products of bf16 in hardware

  bool operator==(const HostFacts&) const = default;
};

// The facts of every rank, ordered by rank, on every rank. Collective.
absl::StatusOr<std::vector<HostFacts>> GatherHostFacts(const RankContext& context);

// Findings on hosts, cores, clocks, processors, memory and open files. Pure.
Findings JudgeHosts(absl::Span<const HostFacts> facts);

}  // namespace quadhop
