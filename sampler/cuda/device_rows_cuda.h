// Feature rows for the GPU of a rank.
#pragma once

#include <absl/status/statusor.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/batch/device_rows.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// Gives at most max_rows nodes whose rows are worth a place in the device's memory. Called if not
// all rows have one: an error forbids reading the others from the host's memory.
using HottestNodes = std::function<absl::StatusOr<std::vector<GlobalId>>(int64_t max_rows)>;

// If not all rows are copied, the place of each node's row is kept, too: bytes per node.
inline constexpr int64_t kHotRowIndexBytes = sizeof(int32_t);
// How many of a table's rows are copied into device_bytes: all, or as many as fit beside those
// places.
constexpr int64_t NumRowsOnDevice(int64_t num_nodes, int64_t row_bytes, int64_t device_bytes) {
  if (num_nodes * row_bytes <= device_bytes) return num_nodes;
  return std::max<int64_t>(0, (device_bytes - num_nodes * kHotRowIndexBytes) / row_bytes);
}

// Rows for the GPU of the rank with index `local_rank` on its host. All are copied to its memory if
// they take at most `device_bytes` (see gpu_room.h), else as many of `hottest` as fit, and the
// others are read from the table's memory, which is borrowed, and locked. kUnavailable without a
// GPU, or if the program was built without CUDA; kResourceExhausted: no memory; the errors of
// `hottest`.
absl::StatusOr<std::unique_ptr<DeviceRows>> MakeCudaDeviceRows(const FeatureTable& table,
                                                               int local_rank, int64_t device_bytes,
                                                               const HottestNodes& hottest,
                                                               ThreadPool& pool);

}  // namespace quadhop
