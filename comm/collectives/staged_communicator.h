// Ranks that have a GPU each, or share one, and exchange over a communicator that takes host memory
// only.
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "comm/collectives/communicator.h"
#include "core/memory/memory.h"

namespace quadhop {

// A communicator of the ranks of `host`, which is duplicated and need not outlive it. Buffers in
// the memory of a device are copied to the host before an exchange, and back after it; `memory` is
// that of the device; work is queued on a stream made from it. Buffers in host memory may be passed
// as well. Collective.
absl::StatusOr<std::unique_ptr<Communicator>> MakeStagedCommunicator(Communicator& host,
                                                                     Memory& memory);

}  // namespace quadhop
