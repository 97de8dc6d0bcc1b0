#include "comm/collectives/replica_check.h"

#include <absl/strings/str_join.h>

#include <map>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/status.h"

namespace quadhop {

absl::Status CheckReplicasAgree(Communicator& comm, absl::string_view what, uint64_t hash) {
  QH_ASSIGN_OR_RETURN(const std::vector<uint64_t> hashes, GatherOne(comm, "replica check", hash));
  std::map<uint64_t, size_t> count;
  for (const uint64_t h : hashes) ++count[h];
  if (count.size() == 1) return absl::OkStatus();
  uint64_t common = hashes[0];  // rank 0's if several are equally common
  for (const auto& [h, times] : count)
    if (times > count[common]) common = h;
  std::vector<size_t> differing;
  for (size_t r = 0; r < hashes.size(); ++r)
    if (hashes[r] != common) differing.push_back(r);
  return absl::DataLossError(absl::StrCat(
      what, " differ between ranks: rank ", absl::StrJoin(differing, ", "), " of ", hashes.size(),
      " from the others (here rank ", comm.rank().value(), ", hash ", absl::Hex(hash),
      ", most common hash ", absl::Hex(common),
      "); suspect faulty memory or a bug in quadhop: restart from the last checkpoint"));
}

}  // namespace quadhop
