// Faults on purpose within collectives.
#pragma once

#include <memory>

#include "comm/communicator.h"
#include "comm/standing.h"
#include "launch/ranks/faults.h"

namespace quadhop {

// `comm` as it is, but that train.fail_at happens to this rank as it enters the exchange of feature
// rows (EXCHANGE) or the sum of gradients (ALL_REDUCE), on duplicates too: peers are in the same
// call then. `standing` says how many steps are done. Borrows all.
std::unique_ptr<Communicator> WithFaults(Communicator& comm, Faults& faults,
                                         const Standing& standing);

}  // namespace quadhop
