// A copy in memory of what a checkpoint will hold, so that training goes on while it is written.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/arrays/dtype.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint.pb.h"

namespace quadhop {

// One rank's part of a checkpoint, by file.
struct CheckpointSnapshot {
  struct Array {
    std::string name;
    DType dtype;
    std::vector<int64_t> dims;
    std::vector<uint8_t> bytes;
  };
  RunPosition position;
  std::string store;
  std::map<std::string, std::vector<Array>> tensors;  // safetensors files; on rank 0 only
  std::vector<int16_t> codes;                         // [N_owned]; empty without a codebook
};

// Takes the position's codebook_started from the model. The new snapshot reuses the memory of
// `reused`, an earlier snapshot of the same subject or an empty one: touching memory for the first
// time would take longer than the copy. Collective.
absl::StatusOr<CheckpointSnapshot> TakeSnapshot(const CheckpointSubject& subject,
                                                const RunPosition& position,
                                                CheckpointSnapshot reused = {});

}  // namespace quadhop
