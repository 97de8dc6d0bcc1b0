// The kinds of job that one test body can be run in: threads of this process, or the processes of
// mpirun.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "comm/collectives/communicator.h"
#include "comm/mpi/mpi.h"

namespace quadhop {

struct RankBackend {
  std::string name;  // letters and digits: ends up in test names
  int32_t num_ranks;
  bool ranks_are_threads;  // if not, Abort ends the test program
  // Runs the body on every rank, on a communicator of this deadline.
  std::function<void(absl::Duration deadline, const std::function<void(Communicator&)>& body)> run;
  // A deadline that a test can wait for, and within which the communicator can be made.
  absl::Duration short_deadline = absl::Seconds(0.5);
};
inline std::ostream& operator<<(std::ostream& out, const RankBackend& backend) {
  return out << backend.name;
}

// Those of this test program: solo and threads, or, in a program of qh_mpi_test, MPI with as many
// ranks as mpirun started.
std::vector<RankBackend> RankBackends();

// MPI messages beyond 1 MiB are cut into chunks of so many bytes in tests, so that they make many,
// and other ones than messages up to 1 MiB make.
inline constexpr int64_t kTestMpiChunkBytes = 100'000;

}  // namespace quadhop
