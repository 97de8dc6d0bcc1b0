// Feature rows as a GPU reads them: all in its memory, or those that samples need most often, the
// rest in the host's.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>

#include "core/base/ids.h"
#include "core/cuda/cuda_device.h"
#include "core/cuda/readable.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "sampler/cuda/row_gather.h"

namespace quadhop::cuda {

// Immutable once made; must not outlive the device that it was made with.
class RowTable {
 public:
  // All rows in the device's memory. kResourceExhausted if they do not fit.
  static absl::StatusOr<RowTable> OnDevice(Device& device, const FeatureTable& table,
                                           ThreadPool& pool);
  // The rows of `hot` in the device's memory, each node at most once; others are read from the
  // table's own memory, which is borrowed.
  static absl::StatusOr<RowTable> WithHotSet(Device& device, const FeatureTable& table,
                                             absl::Span<const GlobalId> hot, ThreadPool& pool);

  // Queues on `device`, in whose memory `nodes` [U] and `out` [U, 1 + hops, F] are: out becomes the
  // rows of the nodes.
  void Gather(Device& device, const GlobalId* nodes, int64_t num_nodes, float* out) const;

 private:
  DType dtype_ = DType::kF32;
  int64_t row_size_ = 0;
  Readable on_device_, place_, on_host_;
};

}  // namespace quadhop::cuda
