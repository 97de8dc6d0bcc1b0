// Faults of single hosts, found before work starts, as one error that all ranks share.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

#include "comm/collectives/communicator.h"

namespace quadhop {

// OK if `mine` is OK on every rank. Else the same kFailedPrecondition on every rank: what the
// failed ranks said, each message once, with the hosts and ranks that said it unless all did. Since
// every rank has the error, no rank need be ended by another, and RunRanks has only rank 0 print
// it. Collective.
absl::Status AgreeOnStatus(Communicator& comm, absl::string_view operation,
                           const absl::Status& mine);

// Has rank 0 do `work`, whose error is every rank's. Collective.
absl::Status OnMainRank(Communicator& comm, absl::string_view operation,
                        absl::FunctionRef<absl::Status()> work);

// OK if `mine` is rank 0's on every rank; else the error of AgreeOnStatus, in which ranks that
// differ say difference(rank 0's). Collective.
absl::Status AgreeOnText(Communicator& comm, absl::string_view operation, absl::string_view mine,
                         absl::FunctionRef<std::string(const std::string&)> difference);

// Whether an error came from one of these.
bool IsAgreed(const absl::Status& status);

}  // namespace quadhop
