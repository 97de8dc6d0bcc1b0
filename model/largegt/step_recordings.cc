#include "model/largegt/step_recordings.h"

#include <algorithm>

#include "core/base/status.h"

namespace quadhop {
namespace {

// Slices differ by a node from step to step, so a rank of P partitions meets up to 2^P sizes.
// Making a recording takes longer than queueing a step, so none is given up for another.
constexpr size_t kMostRecorded = 64;

}  // namespace

absl::Status StepRecordings::Queue(const Batch& batch, absl::FunctionRef<absl::Status()> queue) {
  if (NumOutgrown() != num_outgrown_) {
    recorded_.clear();
    num_outgrown_ = NumOutgrown();
  }
  Recorded* const found = Find(batch);
  if (found == nullptr) {
    if (recorded_.size() < kMostRecorded)
      recorded_.push_back({batch.slice_offsets, batch.sampled_offsets, nullptr});
    return queue();
  }
  if (found->recording == nullptr) {
    QH_ASSIGN_OR_RETURN(found->recording, memories_.front()->Record(queue));
  }
  found->recording->Replay();
  return absl::OkStatus();
}

StepRecordings::Recorded* StepRecordings::Find(const Batch& batch) {
  const auto found =
      std::find_if(recorded_.begin(), recorded_.end(), [&](const Recorded& recorded) {
        return recorded.slice_offsets == batch.slice_offsets &&
               recorded.sampled_offsets == batch.sampled_offsets;
      });
  return found == recorded_.end() ? nullptr : &*found;
}

int64_t StepRecordings::NumOutgrown() const {
  int64_t num_outgrown = 0;
  for (const Memory* memory : memories_)
    if (memory != nullptr) num_outgrown += memory->num_outgrown();
  return num_outgrown;
}

}  // namespace quadhop
