#include "launch/training/open_store.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <vector>

#include "core/manifest.h"
#include "core/status.h"
#include "launch/ranks/agreed_status.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Store>> OpenStoreOnAllRanks(Communicator& comm,
                                                           const std::string& path) {
  absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(path);
  QH_RETURN_IF_ERROR(AgreeOnStatus(comm, "open the store", store.status()));
  const std::string checksum = StoreIdentity((*store)->manifest());
  std::vector<uint8_t> of_rank_0(checksum.begin(), checksum.end());
  QH_RETURN_IF_ERROR(comm.Broadcast("checksum of the store", Rank(0), absl::MakeSpan(of_rank_0)));
  absl::Status same;
  if (!std::equal(of_rank_0.begin(), of_rank_0.end(), checksum.begin(), checksum.end()))
    same = absl::FailedPreconditionError(
        absl::StrCat(path, " is not the store that rank 0 has: copy that one to every host"));
  QH_RETURN_IF_ERROR(AgreeOnStatus(comm, "compare the store", same));
  return store;
}

}  // namespace quadhop
