#include "launch/session/open_store.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "comm/collectives/gather.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/store/manifest.h"
#include "launch/ranks/agreed_status.h"
#include "partition/cuts/partition_store.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Store>> OpenStoreOnAllRanks(Communicator& comm,
                                                           const std::string& path) {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(path);
  QH_RETURN_IF_ERROR(AgreeOnStatus(comm, "open the store", store.status()));
  QH_RETURN_IF_ERROR(AgreeOnText(
      comm, "compare the store", StoreIdentity((*store)->manifest()), [&](const std::string&) {
        return absl::StrCat(path, " is not the store that rank 0 has: copy that one to every host");
      }));
  return store;
}

absl::Status CheckRanksOfStore(const Store& store, int num_ranks, ThreadPool& pool) {
  if (num_ranks <= store.num_partitions()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there are ", num_ranks, " ranks, but ", store.path(), " has ",
                   Counted(store.num_partitions(), "partition"),
                   ", and every rank needs one: ", AdviceOnRanks(store, num_ranks, pool)));
}

std::string AdviceOnRanks(const Store& store, int num_ranks, ThreadPool& pool) {
  const int64_t partitions = store.num_partitions();
  std::string advice = absl::StrCat("start at most ", Counted(partitions, "rank"));
  // If the store cannot be read, as many as were asked for: the cut would report the error.
  const int64_t most = MostParts(store, pool).value_or(num_ranks);
  if (most < num_ranks)
    absl::StrAppend(&advice, " (the store can have ", Counted(most, "partition"),
                    " at most, for each keeps ", kLeastTrainPerPart, " training nodes)");
  if (most > partitions)
    absl::StrAppend(&advice, ", or cut the store again with quadhop partition --parts ",
                    std::min<int64_t>(most, num_ranks));
  return advice;
}

}  // namespace quadhop
