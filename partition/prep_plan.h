// What the steps of prep need, before they start. DESIGN.md section 1, promise 3.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/store.h"

namespace quadhop {

// The graph as far as it is known, and what is to be made of it.
struct PrepShape {
  int64_t nodes = 0;
  int64_t arcs = 0;           // E; an undirected edge is two
  bool directed = false;      // arcs may lack their inverses
  int64_t features = 0;       // columns of raw features; 0: the encodings stand for them
  bool cut_before = false;    // so that its arcs have to be brought back into their first order
  int64_t derived_bytes = 0;  // of encodings and hop features, which a new cut reorders
  int32_t parts = 4;
  std::string partition_method = "auto";
  std::string encode_method = "fastrp";
  int32_t encode_dim = 64;
  int32_t hops = 2;
  int64_t feature_bytes = 4;  // of a value of features.npy
  int32_t threads = 1;
  int32_t ranks = 1;  // that partition together

  static PrepShape Of(const Store& store);
};

struct StepPlan {
  std::string step;           // "import", ...
  std::string how;            // the method that was chosen, or ""
  int64_t least_bytes = 0;    // of memory, without which it cannot be done
  int64_t memory_bytes = 0;   // of memory it will take; mapped files of the store not counted: the
                              // kernel takes their pages back at need
  int64_t disk_bytes = 0;     // of new files; those that they replace go at the end of the step
  int64_t scratch_bytes = 0;  // of disk, given back at the end of the step
  double seconds = 0;         // from rates measured on 2 cores (docs/performance.md)
};

// "import", "partition", "encode" and "propagate", in this order, within `memory_bytes`.
std::vector<StepPlan> PlanPrep(const PrepShape& shape, int64_t memory_bytes);

// A table for people, which marks what is not allowed.
std::string DescribePlan(const std::vector<StepPlan>& steps, int64_t memory_bytes);

// kResourceExhausted, naming the step, what it needs and what there is, if memory or the disk of
// `folder` (or of the nearest folder above it that exists) cannot hold a step.
absl::Status CheckPlan(const std::vector<StepPlan>& steps, int64_t memory_bytes,
                       const std::string& folder);

}  // namespace quadhop
