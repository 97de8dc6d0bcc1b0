// Training steps that a device repeats from recordings of them (Memory::Record), so that one launch
// takes the place of hundreds.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <utility>
#include <vector>

#include "core/batch/batch.h"
#include "core/memory/memory.h"

namespace quadhop {

class StepRecordings {
 public:
  // Steps are queued on the first memory and on streams made from it, the others; nullptr: none.
  // All must outlive this.
  explicit StepRecordings(std::vector<Memory*> memories) : memories_(std::move(memories)) {}

  // Queues a training step on `batch`: by `queue`, or from a recording of what `queue` queued for a
  // batch of equal sizes, provided that no memory has been outgrown since. The first step of a size
  // is queued as it is (memory is taken, products are chosen), the second is recorded. Once a step
  // has been queued, `queue` must queue the same for batches of these sizes, except for what it
  // reads from arrays in these memories. Once there are many sizes, steps of other sizes are queued
  // one by one.
  absl::Status Queue(const Batch& batch, absl::FunctionRef<absl::Status()> queue);

 private:
  struct Recorded {
    std::pmr::vector<int64_t> slice_offsets, sampled_offsets;  // of the batch
    std::unique_ptr<Memory::Recording> recording;              // nullptr: not yet
  };
  Recorded* Find(const Batch& batch);
  int64_t NumOutgrown() const;

  std::vector<Memory*> memories_;
  std::vector<Recorded> recorded_;
  int64_t num_outgrown_ = 0;  // when they were recorded
};

}  // namespace quadhop
