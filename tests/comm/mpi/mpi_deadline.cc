// Run under mpirun by the tests comm_mpi_begin and comm_mpi_end: rank 1 comes late, by minutes, to
// MPI_Init, or to MPI_Finalize. The tests look for the message of rank 0, and for mpirun to end
// long before rank 1 does.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "comm/mpi/mpi.h"
#include "comm/mpi/mpi_launcher.h"
#include "core/base/check.h"

int main(int argc, char** argv) {
  QH_CHECK_EQ(argc, 2);
  const std::string late_at = argv[1];
  const auto come = [&](const std::string& to) {
    if (to == late_at && quadhop::RankByLauncher() == 1)
      std::this_thread::sleep_for(std::chrono::minutes(2));
  };
  come("begin");
  {
    const auto runtime = quadhop::MpiRuntime::Create(absl::Seconds(2));
    QH_CHECK(runtime.ok());
    come("end");
  }
  std::printf("came back\n");
  return 0;
}
