// Ranks that are MPI processes. Built without MPI, Create returns kUnavailable and says which option to set.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>

#include "comm/communicator.h"

namespace quadhop {

// MPI_Init_thread to MPI_Finalize. One object a process, made in main before any thread.
class MpiRuntime {
 public:
  // kFailedPrecondition if the MPI library does not give MPI_THREAD_MULTIPLE.
  static absl::StatusOr<std::unique_ptr<MpiRuntime>> Create();
  virtual ~MpiRuntime() = default;  // MPI_Finalize, unless a communicator broke

  // All ranks of the job. `deadline` holds for each call.
  virtual absl::StatusOr<std::unique_ptr<Communicator>> World(absl::Duration deadline) = 0;
  virtual int32_t local_rank() const = 0;       // among the ranks of this host
  virtual int32_t num_local_ranks() const = 0;
};

// Whether this process was started by an MPI launcher (mpirun, srun with PMIx): looks at the environment only.
bool StartedByMpiLauncher();

}  // namespace quadhop
