#include "comm/replica_check.h"

#include <absl/strings/str_join.h>

#include <map>
#include <vector>

#include "core/status.h"

namespace quadhop {

absl::Status CheckReplicasAgree(Communicator& comm, absl::string_view what, uint64_t hash) {
  const size_t num_ranks = static_cast<size_t>(comm.num_ranks());
  std::vector<uint64_t> hashes(num_ranks);
  QH_RETURN_IF_ERROR(comm.AllGatherV(
      "replica check", absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(&hash), sizeof(hash)),
      std::vector<int64_t>(num_ranks, sizeof(hash)),
      absl::MakeSpan(reinterpret_cast<uint8_t*>(hashes.data()), num_ranks * sizeof(hash))));

  std::map<uint64_t, size_t> count;
  for (const uint64_t h : hashes) ++count[h];
  if (count.size() == 1) return absl::OkStatus();
  uint64_t common = hashes[0];  // rank 0's if several are equally common
  for (const auto& [h, times] : count)
    if (times > count[common]) common = h;
  std::vector<size_t> differing;
  for (size_t r = 0; r < num_ranks; ++r)
    if (hashes[r] != common) differing.push_back(r);
  return absl::DataLossError(
      absl::StrCat(what, " differ between ranks: rank ", absl::StrJoin(differing, ", "), " of ",
                   num_ranks, " from the others (here rank ", comm.rank().value(), ", hash ",
                   absl::Hex(hash), ", most common hash ", absl::Hex(common),
                   "); suspect memory or a fault of quadhop: restart from the last checkpoint"));
}

}  // namespace quadhop
