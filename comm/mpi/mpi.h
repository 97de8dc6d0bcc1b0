// Ranks that are MPI processes. Built without MPI, Create returns kUnavailable and says which
// option to set.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>

#include "comm/collectives/communicator.h"

namespace quadhop {

// Longer messages are cut: MPI 3 counts in int, and libraries have bugs near its limit.
inline constexpr int64_t kMpiChunkBytes = int64_t{512} << 20;

// MPI_Init_thread to MPI_Finalize. One object per process, made in main before any thread; it
// outlives its communicators. If one of those broke, the destructor does not finalise, since that
// could hang: main should have called Abort.
class MpiRuntime {
 public:
  // `deadline` applies to MPI_Init and to MPI_Finalize, which wait for all ranks: beyond it the
  // process says so and ends with code 1. kFailedPrecondition if the MPI library does not provide
  // MPI_THREAD_MULTIPLE, or was initialised before.
  static absl::StatusOr<std::unique_ptr<MpiRuntime>> Create(absl::Duration deadline);
  virtual ~MpiRuntime() = default;

  // A new communicator of all ranks of the job. `deadline` applies to each call, this one included.
  // chunk_bytes, in [4, 2^30], is the same on all ranks; tests make it small. Collective.
  virtual absl::StatusOr<std::unique_ptr<Communicator>> World(
      absl::Duration deadline, int64_t chunk_bytes = kMpiChunkBytes) = 0;
  virtual int32_t local_rank() const = 0;  // among the ranks of this host
  virtual int32_t num_local_ranks() const = 0;
  virtual int32_t first_rank_on_host() const = 0;  // in the job; differs from host to host
};

// "Open MPI v4.1.4"; "" if built without MPI.
std::string MpiLibraryVersion();

}  // namespace quadhop
