// What the steps of prep need, before they start. DESIGN.md section 1, promise 3.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "partition/steps/prep_shape.h"
#include "partition/steps/prep_step.h"

namespace quadhop {

struct StepPlan {
  PrepStep step = PrepStep::kImport;
  std::string how;            // the method that was chosen, or ""
  int64_t least_bytes = 0;    // of memory, without which it cannot be done
  int64_t memory_bytes = 0;   // of memory it will take; mapped files of the store not counted: the
                              // kernel takes their pages back at need
  int64_t disk_bytes = 0;     // of new files; those that they replace go at the end of the step
  int64_t scratch_bytes = 0;  // of disk, given back at the end of the step
  double seconds = 0;         // from rates measured on 2 cores (docs/performance.md)
};

// For every step, in their order, within `memory_bytes`.
std::vector<StepPlan> PlanPrep(const PrepShape& shape, int64_t memory_bytes);

// A table for people, which marks what is not allowed.
std::string DescribePlan(const std::vector<StepPlan>& steps, int64_t memory_bytes);

// For steps that are made one after another: kResourceExhausted, naming the step, what it needs and
// what there is, if memory or the disk of `folder` (or of the nearest folder above it that exists)
// cannot hold a step.
absl::Status CheckPlan(const std::vector<StepPlan>& steps, int64_t memory_bytes,
                       const std::string& folder);

}  // namespace quadhop
