#include "launch/ranks/runtime.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "comm/mpi/mpi.h"
#include "comm/mpi/mpi_launcher.h"
#include "core/base/status.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/cores.h"
#include "launch/ranks/same_program.h"
#include "launch/ranks/stack_dump.h"

namespace quadhop {
namespace {

// The ranks of a rank's host, as RankContext has them.
struct OnHost {
  int32_t ranks = 1;
  int32_t local_rank = 0;
  int32_t first_rank = 0;
};

using Body = std::function<absl::StatusOr<ExitCode>(const RankContext&)>;

// Dumps the stacks of this process, once, for whoever asks first: this rank, which waited in vain,
// or another that did.
class StackDump {
 public:
  void Write(Rank rank) {
    if (!written_.exchange(true)) DumpStacks(rank.value());
  }

 private:
  std::atomic<bool> written_ = false;
};

// Other ranks are asked for their stacks before this rank ends the job, as the launcher then kills
// all ranks.
constexpr absl::Duration kTimeForOthersStacks = absl::Seconds(1);

// The message for an error of std::thread.
std::string RefusedBySystem(const std::system_error& error) {
  if (dynamic_cast<const std::filesystem::filesystem_error*>(&error) != nullptr)
    return error.what();
  return absl::StrCat("the system refuses a thread (", error.what(),
                      "): use fewer --threads, or raise the limits of memory and processes (ulimit "
                      "-v, ulimit -u)");
}

// Running out of memory or threads is an error like others, so that peers do not wait for this
// rank.
absl::StatusOr<ExitCode> RunBody(const Body& body, int num_threads, Communicator& comm,
                                 RankProgress& progress, const OnHost& host) {
  return CatchExhaustion([&] {
    ThreadPool pool(num_threads);
    return body(RankContext{comm, pool, progress, host.ranks, host.local_rank, host.first_rank});
  });
}

// Runs the body on one rank; its error ends the job (under MPI, Abort prints it with the rank and
// does not return). heartbeat: nullptr if there is none.
absl::StatusOr<ExitCode> RunRank(Communicator& comm, const OnHost& host, int num_threads,
                                 const Body& body, RankProgress& progress,
                                 Heartbeat* heartbeat = nullptr, StackDump* stack_dump = nullptr) {
  absl::StatusOr<ExitCode> result = RunBody(body, num_threads, comm, progress, host);
  std::string where;
  if (heartbeat != nullptr) {
    const bool waited = absl::IsDeadlineExceeded(result.status());
    if (waited) where = absl::StrCat(" (", heartbeat->WhereRanksStand(), ")");
    if (waited) heartbeat->Ask();
    heartbeat->Leave();
    if (waited) {
      stack_dump->Write(comm.rank());
      absl::SleepFor(kTimeForOthersStacks);
    }
  }
  if (result.ok() || comm.num_ranks() == 1 || IsAgreed(result.status())) return result;
  comm.Abort(absl::StrCat(std::string(result.status().message()), where));
  return Annotate(result.status(), absl::StrCat("rank ", comm.rank().value()));
}

// What the heartbeat does when a rank is lost. MPI can no longer be used: its calls may wait for
// the very rank that is gone.
[[noreturn]] void EndProcess(int32_t rank, const std::string& why) {
  std::fprintf(stderr, "quadhop: rank %d ends: %s\n", rank, why.c_str());
  std::fflush(stderr);
  // The launcher's exit code is that of the first process to end, and tells what was wrong only if
  // that is the one that was killed: this wait gives the launcher a moment to notice.
  absl::SleepFor(absl::Milliseconds(500));
  _exit(static_cast<int>(ExitCode::kFailed));
}

absl::StatusOr<ExitCode> RunRanksAsThreads(const RanksOptions& options, const Body& body) {
  const int64_t num_ranks = options.ranks_in_process;
  const int num_threads = NumThreads(options.threads, num_ranks);
  const std::vector<std::unique_ptr<Communicator>> comms =
      MakeThreadCommunicators(static_cast<int32_t>(num_ranks), options.collective_deadline);
  std::vector<absl::StatusOr<ExitCode>> results(comms.size(), ExitCode::kDone);
  std::vector<std::thread> ranks;
  ranks.reserve(comms.size());
  for (size_t r = 0; r < comms.size(); ++r) {
    const auto run_rank = [&, r] {
      RankProgress progress;
      const OnHost host{static_cast<int32_t>(num_ranks), static_cast<int32_t>(r), 0};
      results[r] = RunRank(*comms[r], host, num_threads, body, progress);
    };
    try {
      ranks.emplace_back(run_rank);
    } catch (const std::system_error& error) {
      results[r] = absl::ResourceExhaustedError(RefusedBySystem(error));
      comms[r]->Abort(RefusedBySystem(error));  // the ranks before it wait for it
      break;
    }
  }
  for (std::thread& rank : ranks) rank.join();
  // A rank that failed by itself explains more than those that failed because of it.
  const auto failed_alone = std::find_if(results.begin(), results.end(), [](const auto& result) {
    return !result.ok() && !absl::IsAborted(result.status());
  });
  if (failed_alone != results.end()) return *failed_alone;
  const auto failed =
      std::find_if(results.begin(), results.end(), [](const auto& result) { return !result.ok(); });
  return failed != results.end() ? *failed : results.front();
}

// Processes that were started together but do not know each other would each do the whole job.
absl::Status NotJoined(absl::string_view what) {
  return UsageError(absl::StrCat(
      NumRanksByLauncher(), " processes were started together, but ", what,
      " of them: start them with the mpirun of the MPI that quadhop is built with, with srun "
      "--mpi=pmix, or with quadhop launch"));
}

absl::StatusOr<ExitCode> RunRankOfMpi(const RanksOptions& options, const Body& body) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<MpiRuntime> mpi,
                      MpiRuntime::Create(options.start_deadline));
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Communicator> world,
                      mpi->World(options.collective_deadline));
  if (world->num_ranks() != NumRanksByLauncher() && NumRanksByLauncher() > 1)
    return NotJoined(absl::StrCat("MPI joined ", world->num_ranks()));
  RankProgress progress;
  StackDump stack_dump;
  std::unique_ptr<Heartbeat> heartbeat;
  if (world->num_ranks() > 1 && options.heartbeat.interval > absl::ZeroDuration()) {
    const auto end = [rank = world->rank().value(),
                      advice = options.after_loss](const std::string& why) {
      EndProcess(rank, advice.empty() ? why : absl::StrCat(why, "; ", advice));
    };
    absl::StatusOr<std::unique_ptr<Heartbeat>> started =
        Heartbeat::Start(*world, options.heartbeat, progress, end,
                         [&stack_dump, rank = world->rank()] { stack_dump.Write(rank); });
    if (!started.ok()) world->Abort(started.status().message());
    QH_ASSIGN_OR_RETURN(heartbeat, std::move(started));
  }
  const int num_threads = NumThreads(options.threads, mpi->num_local_ranks());
  // Ranks that take all cores together get a share each; with fewer threads, the other cores may be
  // for others.
  if (options.threads == 0 && mpi->num_local_ranks() > 1)
    BindToShareOfProcessors(mpi->local_rank(), mpi->num_local_ranks(), num_threads);
  // A rank may take long to write files: if there is a heartbeat, the others wait for it.
  absl::StatusOr<std::unique_ptr<Communicator>> end =
      mpi->World(heartbeat != nullptr ? absl::InfiniteDuration() : options.collective_deadline);
  if (!end.ok()) world->Abort(end.status().message());
  const auto to_the_end = [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
    QH_RETURN_IF_ERROR(WarnOfOtherPrograms(context.comm));
    QH_ASSIGN_OR_RETURN(const ExitCode code, body(context));
    QH_RETURN_IF_ERROR((*end)->Barrier("end of the job"));
    return code;
  };
  absl::StatusOr<ExitCode> result =
      RunRank(*world, {mpi->num_local_ranks(), mpi->local_rank(), mpi->first_rank_on_host()},
              num_threads, to_the_end, progress, heartbeat.get(), &stack_dump);
  if (!IsAgreed(result.status())) return result;
  // Printed before any rank ends: mpirun ends the others when the first does.
  if (world->rank() == Rank(0))
    std::fprintf(stderr, "quadhop: %s\n", std::string(result.status().message()).c_str());
  QH_RETURN_IF_ERROR(world->Barrier("end of the job"));
  return ExitCode::kFailed;
}

}  // namespace

absl::Status CheckStartedAlone(absl::string_view what, absl::string_view otherwise) {
  if (NumRanksByLauncher() <= 1) return absl::OkStatus();
  return UsageError(absl::StrCat(NumRanksByLauncher(), " processes were started together, but ",
                                 what,
                                 " is the work of one: start it without mpirun, srun or "
                                 "quadhop launch",
                                 otherwise));
}

absl::StatusOr<ExitCode> CatchExhaustion(absl::FunctionRef<absl::StatusOr<ExitCode>()> body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(RefusedBySystem(error));
  }
}

absl::StatusOr<ExitCode> RunRanks(const RanksOptions& options, const Body& body) {
  if (options.ranks_in_process > 0) {
    if (NumRanksByLauncher() > 1)
      return UsageError(absl::StrCat(
          "--ranks-in-process is ", options.ranks_in_process, ", and ", NumRanksByLauncher(),
          " processes were started together, each of which would do the whole job: ranks are "
          "threads of one process, or processes of mpirun, srun or quadhop launch, not both"));
    return RunRanksAsThreads(options, body);
  }
  if (StartedByMpiLauncher()) return RunRankOfMpi(options, body);
  if (NumRanksByLauncher() > 1) return NotJoined("not by MPI, which joins none");
  const std::unique_ptr<Communicator> solo = MakeSoloCommunicator();
  RankProgress progress;
  return RunRank(*solo, OnHost{}, NumThreads(options.threads), body, progress);
}

}  // namespace quadhop
