// Ranks that have a GPU each, or share one, and exchange over a communicator that takes memory of
// the host only.
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "comm/communicator.h"
#include "core/memory.h"

namespace quadhop {

// A communicator of the ranks of `host`, which is duplicated and need not outlive it. What stands
// in the memory of a device is copied to the host's before an exchange, and back after it; `memory`
// is of that device, and is forked. Buffers in the host's memory may be passed as well. Collective.
absl::StatusOr<std::unique_ptr<Communicator>> MakeStagedCommunicator(Communicator& host,
                                                                     Memory& memory);

}  // namespace quadhop
