// Feature rows for the GPU of a rank.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/device_rows.h"
#include "core/store.h"

namespace quadhop {

// At most max_rows nodes, whose rows are worth a place in the device's memory.
using HottestNodes = std::function<std::vector<GlobalId>(int64_t max_rows)>;

// Rows for the GPU that a rank takes which is `local_rank` among those of its host. All are copied
// to its memory if they take at most `device_bytes` (-1: half of what is free there), else as many
// as fit of `hottest`, and others are read from the table's memory, which is borrowed.
// kUnavailable without a GPU, or where the program was built without CUDA; kResourceExhausted: no
// memory.
absl::StatusOr<std::unique_ptr<DeviceRows>> MakeCudaDeviceRows(const FeatureTable& table,
                                                               int local_rank, int64_t device_bytes,
                                                               const HottestNodes& hottest);

}  // namespace quadhop
