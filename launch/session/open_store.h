// The store of a job, on all its ranks.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "comm/collectives/communicator.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// Store::Open on every rank. If one of them fails, or has a store with another checksum, every rank
// returns the same error (agreed_status.h), which names the hosts. Collective.
absl::StatusOr<std::unique_ptr<Store>> OpenStoreOnAllRanks(Communicator& comm,
                                                           const std::string& path);

// kInvalidArgument, saying what to do, if the store has fewer partitions than there are ranks.
absl::Status CheckRanksOfStore(const Store& store, int num_ranks, ThreadPool& pool);
// What to do then.
std::string AdviceOnRanks(const Store& store, int num_ranks, ThreadPool& pool);

}  // namespace quadhop
