// Run under mpirun by the test comm_mpi_abort: rank 0 aborts while the others wait. The test looks
// for the message, and for mpirun to end long before the deadline.
#include <chrono>
#include <cstdio>
#include <thread>

#include "comm/mpi/mpi.h"
#include "core/base/check.h"

int main() {
  auto runtime = quadhop::MpiRuntime::Create(absl::Seconds(60));
  QH_CHECK(runtime.ok());
  auto comm = (*runtime)->World(absl::Seconds(100));
  QH_CHECK(comm.ok());
  if ((*comm)->rank() == quadhop::Rank(0)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    (*comm)->Abort("disk full");
  }
  const absl::Status status = (*comm)->Barrier("never complete");
  std::printf("came back: %s\n", status.ToString().c_str());
  return 0;
}
