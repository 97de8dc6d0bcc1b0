// Faults on purpose within collectives.
#pragma once

#include <memory>

#include "comm/collectives/communicator.h"
#include "comm/heartbeat/rank_progress.h"
#include "launch/faults/faults.h"

namespace quadhop {

// `comm`, except that the fault of train.fail_at happens on this rank as it enters the exchange of
// feature rows (EXCHANGE) or the sum of gradients (ALL_REDUCE; comm/collectives/operations.h), on
// duplicates too: peers are in the same call then. `progress` says how many steps are done. Borrows
// all arguments. nullptr if train.fail_at is at neither point.
std::unique_ptr<Communicator> WithFaults(Communicator& comm, Faults& faults,
                                         const RankProgress& progress);

}  // namespace quadhop
