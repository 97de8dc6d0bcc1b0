// quadhop doctor [--store S] [--config C]: is this environment sound?
#include <absl/strings/str_cat.h>

#include <cstdio>

#include "comm/mpi/mpi.h"
#include "comm/mpi/mpi_launcher.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/job_flags.h"
#include "launch/config/config.h"
#include "launch/doctor/finding.h"
#include "launch/doctor/gpu.h"
#include "launch/doctor/host_facts.h"
#include "launch/doctor/network.h"
#include "launch/doctor/store_check.h"
#include "launch/ranks/runtime.h"

namespace quadhop {
namespace {

struct DoctorJob {
  std::string store;
  Config config;
};

// Reaching this point means that MPI provides what is needed, and that every rank's heartbeat has
// reached rank 0.
Findings DescribeMpi(const RankContext& context) {
  if (!StartedByMpiLauncher())
    return {{Verdict::kOk, "MPI", "not in use: neither mpirun nor srun started this process", ""}};
  return {{Verdict::kOk, "MPI",
           absl::StrCat(MpiLibraryVersion(), ", MPI_THREAD_MULTIPLE, ",
                        Counted(context.comm.num_ranks(), "rank"), "; heartbeats reach rank 0"),
           ""}};
}

absl::StatusOr<ExitCode> Examine(const DoctorJob& job, const RankContext& context) {
  Verdict worst = Verdict::kOk;
  const auto say = [&](const Findings& findings) {
    worst = std::max(worst, WorstOf(findings));
    if (!context.IsMain()) return;
    for (const Finding& finding : findings) std::puts(DescribeFinding(finding).c_str());
    std::fflush(stdout);
  };
  say(DescribeMpi(context));
  QH_ASSIGN_OR_RETURN(const std::vector<HostFacts> facts, GatherHostFacts(context));
  say(JudgeHosts(facts));
  say({{Verdict::kOk, "/dev/shm", "not needed", ""}});
  QH_ASSIGN_OR_RETURN(const Findings gpus, CheckGpus(context, job.config));
  say(gpus);
  QH_ASSIGN_OR_RETURN(const Findings network, MeasureNetwork(context, facts));
  say(network);
  if (!job.store.empty()) {
    QH_ASSIGN_OR_RETURN(const Findings store, CheckStore(context, job.store, job.config));
    say(store);
  }
  return worst == Verdict::kFail ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

absl::StatusOr<ExitCode> DoctorCommand(absl::Span<const std::string> arguments) {
  DoctorJob job;
  RanksOptions ranks;
  std::string source = "quickstart";
  Flags flags("doctor", "Prints one line per check: the verdict and, if it fails, what to do.");
  flags.String("store", &job.store, "NAME.qh", "a store that every host must have");
  flags.String("config", &source, "CONFIG",
               "the config to train with: a preset or a textproto file");
  AddRanksFlags(&flags, &ranks);
  flags.Example("doctor --store stores/wordnet.qh --config quickstart");
  flags.Example("launch hosts --hostfile hosts -- doctor --store stores/wordnet.qh");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  absl::StatusOr<Config> config = LoadConfig(source, {});
  if (!config.ok()) return UsageError(config.status().message());
  job.config = *std::move(config);
  ranks.start_deadline = absl::Seconds(60);
  ranks.collective_deadline = absl::Seconds(60);
  return RunRanks(ranks, [&job](const RankContext& context) { return Examine(job, context); });
}

}  // namespace quadhop
