// What a step takes, stated beside its code, for the code and for the plan.
#pragma once

#include <cstdint>

namespace quadhop {

// Beside the files of the store, which are mapped.
struct StepNeeds {
  static StepNeeds AllInMemory(int64_t bytes) { return {bytes, bytes, 0}; }
  int64_t least_bytes = 0;    // of memory, without which it cannot be done
  int64_t memory_bytes = 0;   // of memory that it takes if it may
  int64_t scratch_bytes = 0;  // of disk, given back, if it may not
};

}  // namespace quadhop
