// Time of an ordered sum against MPI's own, by length: quadhop_comm_bench [RANKS] on threads, or
// under mpirun. One partition a rank.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "comm/mpi/mpi.h"
#include "comm/mpi/mpi_launcher.h"
#include "comm/sums/reduction.h"
#include "core/base/check.h"
#include "core/base/median.h"
#include "tests/support/even_owners.h"
#include "tests/support/run_ranks.h"

namespace quadhop {
namespace {

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double MedianSeconds(Communicator& comm, const PartitionOwners& owners, Reduction reduction,
                     size_t num_floats) {
  std::vector<float> summands(num_floats, 1.0f), sum(num_floats);
  HostRowAdder adder;
  std::vector<double> seconds;
  const int repeats = num_floats > 100000 ? 40 : 400;
  for (int i = 0; i < repeats; ++i) {
    QH_CHECK(comm.Barrier("start").ok());
    const double start = Seconds();
    QH_CHECK(SumOverPartitions(comm, owners, reduction, "sum", adder, absl::MakeSpan(summands),
                               absl::MakeSpan(sum))
                 .ok());
    seconds.push_back(Seconds() - start);
  }
  return Median(std::move(seconds));
}

void Measure(Communicator& comm) {
  const PartitionOwners owners = EvenOwners(comm.num_ranks(), comm.num_ranks());
  if (comm.rank() == Rank(0))
    std::printf("%10s %14s %14s %14s\n", "bytes", "ordered us", "fast us", "ordered MB/s");
  for (const size_t bytes :
       std::vector<size_t>{64, 4096, 16384, 32768, 65536, 131072, 1 << 20, 4 << 20, 16 << 20}) {
    const double ordered = MedianSeconds(comm, owners, Reduction::kReproducible, bytes / 4);
    const double fast = MedianSeconds(comm, owners, Reduction::kFast, bytes / 4);
    if (comm.rank() == Rank(0))
      std::printf("%10zu %14.1f %14.1f %14.0f\n", bytes, ordered * 1e6, fast * 1e6,
                  static_cast<double>(bytes) / ordered * 1e-6);
  }
}

}  // namespace
}  // namespace quadhop

int main(int argc, char** argv) {
  if (quadhop::StartedByMpiLauncher()) {
    auto runtime = quadhop::MpiRuntime::Create(absl::Seconds(60));
    QH_CHECK(runtime.ok());
    auto comm = (*runtime)->World(absl::Seconds(60));
    QH_CHECK(comm.ok());
    quadhop::Measure(**comm);
  } else {
    quadhop::RunRanks(argc > 1 ? std::atoi(argv[1]) : 2, quadhop::Measure);
  }
  return 0;
}
