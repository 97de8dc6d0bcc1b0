// The ranks and threads of this process: which communicator joins them, and what the body of a job
// has on each.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <string>

#include "comm/collectives/communicator.h"
#include "comm/heartbeat/heartbeat.h"
#include "comm/heartbeat/rank_progress.h"
#include "core/base/ids.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/exit_code.h"
#include "launch/ranks/cores.h"

namespace quadhop {

struct RanksOptions {
  // 0: this process is one rank, of an MPI job if an MPI launcher started it, else alone. N >= 1: N
  // ranks that are threads of this process.
  int64_t ranks_in_process = 0;
  // Threads of each rank; 0: see NumThreads (cores.h).
  int64_t threads = 0;
  absl::Duration start_deadline = absl::Seconds(300);  // of MPI_Init, and MPI_Finalize at the end
  absl::Duration collective_deadline = absl::Seconds(300);
  // Heartbeat between ranks that are processes; none if its interval is 0.
  HeartbeatOptions heartbeat = {};
  std::string after_loss = {};  // advice to print when a rank was lost; "": none
};

// What a rank has while the body of RunRanks runs; borrowed.
struct RankContext {
  Communicator& comm;
  ThreadPool& pool;
  RankProgress& progress;      // to be kept current: others read it when the rank is lost
  int32_t ranks_on_host;       // including this one
  int32_t local_rank;          // among those
  int32_t first_rank_on_host;  // of the job: tells hosts apart
  bool IsMain() const { return comm.rank() == Rank(0); }
  // The same, with another communicator.
  RankContext With(Communicator& other) const {
    return {other, pool, progress, ranks_on_host, local_rank, first_rank_on_host};
  }
};

// Runs `body` once on every rank of this process and returns its exit code. An error that `body`
// returns on any rank ends the job on all of them: its message names the rank, and peers
// that wait for it fail at once instead of waiting for their deadline. When the heartbeat finds a
// rank lost, this process says so and exits with code 1. kFailedPrecondition or kUnavailable,
// before any body ran, if MPI is needed and cannot be had; a usage error if processes were started
// together (NumRanksByLauncher) that MPI does not join, or each of which would have
// ranks_in_process.
absl::StatusOr<ExitCode> RunRanks(
    const RanksOptions& options,
    const std::function<absl::StatusOr<ExitCode>(const RankContext&)>& body);

// A usage error if processes were started together (NumRanksByLauncher), as each would do `what`,
// which is the work of one. otherwise: what else can be done, as in ", or use --method ptscotch".
absl::Status CheckStartedAlone(absl::string_view what, absl::string_view otherwise = "");

// What `body` returns; kResourceExhausted if it runs out of memory or threads.
absl::StatusOr<ExitCode> CatchExhaustion(absl::FunctionRef<absl::StatusOr<ExitCode>()> body);

}  // namespace quadhop
