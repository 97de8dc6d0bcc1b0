#include "launch/ranks/same_program.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <cstddef>
#include <string>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/base/warning.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "launch/ranks/host_name.h"

namespace quadhop {
namespace {

// "" if it cannot be read.
std::string ChecksumOfProgram() {
  const absl::StatusOr<MappedFile> program = MappedFile::Open("/proc/self/exe");
  return program.ok() ? HexOf(Xxh3(program->text().data(), program->text().size())) : "";
}

}  // namespace

absl::Status WarnOfOtherPrograms(Communicator& comm) {
  constexpr char kOperation[] = "programs of all ranks";
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> programs,
                      GatherTexts(comm, kOperation, ChecksumOfProgram()));
  std::vector<size_t> ranks;
  for (size_t r = 0; r < programs.size(); ++r)
    if (programs[r] != programs[0] && !programs[r].empty() && !programs[0].empty())
      ranks.push_back(r);
  if (ranks.empty()) return absl::OkStatus();  // on all ranks
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> hosts,
                      GatherTexts(comm, kOperation, HostName()));
  if (comm.rank() != Rank(0)) return absl::OkStatus();
  const auto append = [&hosts](std::string* out, size_t r) {
    absl::StrAppend(out, "rank ", r, " on ", hosts[r]);
  };
  PrintWarning(absl::StrCat(
      "another build of quadhop than on rank 0 runs on ", absl::StrJoin(ranks, ", ", append),
      ": the job may fail or compute other digits; copy one program to all hosts"));
  return absl::OkStatus();
}

}  // namespace quadhop
