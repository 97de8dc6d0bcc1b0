// Feature rows that a device gathers by itself, so that ids travel instead of rows.
#pragma once

#include <cstdint>

#include "core/base/ids.h"
#include "core/memory/memory.h"

namespace quadhop {

// Immutable; used from any thread.
class DeviceRows {
 public:
  virtual ~DeviceRows() = default;

  virtual int64_t hops_and_self() const = 0;  // 1 + hops
  virtual int64_t width() const = 0;          // F

  // Queues, on `memory`, which must be on the same device, the copy of the rows of `nodes` [U] to
  // `out` [U, 1 + hops, F], both in that memory. Errors go to its status.
  virtual void Gather(Memory& memory, const GlobalId* nodes, int64_t num_nodes,
                      float* out) const = 0;
};

}  // namespace quadhop
