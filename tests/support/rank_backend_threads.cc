#include <absl/strings/str_cat.h>

#include "tests/support/rank_backend.h"
#include "tests/support/run_ranks.h"

namespace quadhop {

std::vector<RankBackend> RankBackends() {
  std::vector<RankBackend> backends;
  backends.push_back(
      {"Solo", 1, true, [](absl::Duration, const std::function<void(Communicator&)>& body) {
         body(*MakeSoloCommunicator());
       }});
  for (const int32_t num_ranks : {1, 2, 3, 4})
    backends.push_back(
        {absl::StrCat("Threads", num_ranks), num_ranks, true,
         [num_ranks](absl::Duration deadline, const std::function<void(Communicator&)>& body) {
           RunRanks(num_ranks, body, deadline);
         }});
  return backends;
}

}  // namespace quadhop
