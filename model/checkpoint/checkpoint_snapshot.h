// A copy in memory of what a checkpoint will hold: training goes on while it is written.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/dtype.h"
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
  std::map<std::string, std::vector<Array>> tensors;  // safetensors files; rank 0's alone
  std::vector<int16_t> codes;                         // [N_owned]; none without a codebook
};

// The position's codebook_started is the model's. The memory of `reused`, an earlier snapshot of
// the same subject or an empty one, is taken for the new one: memory that is touched for the first
// time would take longer than the copy. Collective.
absl::StatusOr<CheckpointSnapshot> TakeSnapshot(const CheckpointSubject& subject,
                                                const RunPosition& position,
                                                CheckpointSnapshot reused = {});

}  // namespace quadhop
