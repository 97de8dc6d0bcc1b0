#include "core/base/status.h"
#include "launch/cluster/host_networks.h"
#include "launch/cluster/hostfile.h"
#include "launch/cluster/mpirun.h"
#include "launch/cluster/restarts.h"
#include "launch/command_line/flags.h"
#include "launch/commands/launchers.h"

namespace quadhop {

absl::StatusOr<ExitCode> LaunchHosts(absl::Span<const std::string> arguments) {
  MpirunOptions mpirun;
  mpirun.ranks = 0;
  std::string hostfile;
  int64_t max_restarts = 0;
  JobWords job;
  Flags flags("launch hosts", "Runs a command by mpirun on hosts that ssh can reach.");
  flags
      .String("hostfile", &hostfile, "FILE",
              "the hosts, one per line: NAME [slots=RANKS]; 1 rank if a line has no slots")
      .Required();
  flags
      .Int("ranks", &mpirun.ranks, int64_t{0}, int64_t{1000000},
           "number of ranks (0: as many as the hostfile has slots)")
      .Letter('n');
  flags.String("network", &mpirun.network, "NET",
               "use only this network between ranks, such as 10.1.0.0/16 or eth0 (default: any)");
  AddMaxRestarts(&flags, &max_restarts);
  AddJob(&flags, &job);
  flags.Example(
      "launch hosts --hostfile hosts -- train --store g.qh --config ogbn-products "
      "--run runs/1");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_ASSIGN_OR_RETURN(const std::vector<Host> hosts, ReadHostfile(hostfile));
  mpirun.hosts = HostsForMpirun(hosts);
  if (!mpirun.network.empty()) QH_RETURN_IF_ERROR(CheckHostHasNetwork(mpirun.network));
  if (mpirun.ranks == 0)
    for (const Host& host : hosts) mpirun.ranks += host.slots;
  QH_RETURN_IF_ERROR(CheckJob(job, mpirun.ranks, max_restarts));
  // Hosts are checked before each start: the job may have failed because a host did.
  return RunWithRestarts(job, max_restarts,
                         [&](const JobWords& words) -> absl::StatusOr<std::vector<std::string>> {
                           QH_RETURN_IF_ERROR(CheckHosts(hosts, FlagOfJob(words, "store")));
                           return MpirunCommand(mpirun, words);
                         });
}

}  // namespace quadhop
