#include "launch/ranks/agreed_status.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "launch/ranks/host_name.h"

namespace quadhop {
namespace {

constexpr absl::string_view kAgreedPayload = "quadhop/agreed";

}  // namespace

absl::Status AgreeOnStatus(Communicator& comm, absl::string_view operation,
                           const absl::Status& mine) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> messages,
                      GatherTexts(comm, operation, MessageOrEmpty(mine)));
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> hosts,
                      GatherTexts(comm, operation, HostName()));
  std::map<std::string, std::vector<std::string>> who;  // by message
  for (size_t r = 0; r < messages.size(); ++r)
    if (!messages[r].empty())
      who[messages[r]].push_back(absl::StrCat("rank ", r, " on ", hosts[r]));
  if (who.empty()) return absl::OkStatus();
  std::vector<std::string> lines;
  for (const auto& [message, ranks] : who)
    lines.push_back(ranks.size() == messages.size()
                        ? message
                        : absl::StrCat(absl::StrJoin(ranks, ", "), ": ", message));
  absl::Status status = absl::FailedPreconditionError(absl::StrJoin(lines, "\n"));
  status.SetPayload(kAgreedPayload, absl::Cord());
  return status;
}

absl::Status OnMainRank(Communicator& comm, absl::string_view operation,
                        absl::FunctionRef<absl::Status()> work) {
  return AgreeOnStatus(comm, operation, comm.rank() == Rank(0) ? work() : absl::OkStatus());
}

absl::Status AgreeOnText(Communicator& comm, absl::string_view operation, absl::string_view mine,
                         absl::FunctionRef<std::string(const std::string&)> difference) {
  QH_ASSIGN_OR_RETURN(const std::string of_rank_0, BroadcastText(comm, operation, Rank(0), mine));
  return AgreeOnStatus(
      comm, operation,
      mine == of_rank_0 ? absl::OkStatus() : absl::FailedPreconditionError(difference(of_rank_0)));
}

bool IsAgreed(const absl::Status& status) { return status.GetPayload(kAgreedPayload).has_value(); }

}  // namespace quadhop
