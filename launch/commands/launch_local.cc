#include "core/base/status.h"
#include "launch/cluster/mpirun.h"
#include "launch/cluster/restarts.h"
#include "launch/command_line/flags.h"
#include "launch/commands/launchers.h"

namespace quadhop {

absl::StatusOr<ExitCode> LaunchLocal(absl::Span<const std::string> arguments) {
  MpirunOptions mpirun;
  int64_t max_restarts = 0;
  JobWords job;
  Flags flags("launch local", "Runs a command by mpirun on several ranks of this machine.");
  flags.Int("ranks", &mpirun.ranks, int64_t{1}, int64_t{4096}, "number of ranks").Letter('n');
  AddMaxRestarts(&flags, &max_restarts);
  AddJob(&flags, &job);
  flags.Example("launch local -n 4 -- train --store g.qh --config ogbn-products --run runs/1");
  flags.Example(
      "launch local -n 2 --max-restarts 3 -- train --store g.qh --config my.textproto "
      "--run runs/2");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(CheckJob(job, mpirun.ranks, max_restarts));
  return RunWithRestarts(job, max_restarts,
                         [&](const JobWords& words) { return MpirunCommand(mpirun, words); });
}

}  // namespace quadhop
