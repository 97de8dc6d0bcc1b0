// What started this process, as the environment alone tells: also before MPI is initialised, and
// without it.
#pragma once

#include <cstdint>

namespace quadhop {

// Whether this process was started by an MPI launcher (mpirun, srun with PMIx).
bool StartedByMpiLauncher();

// This process's rank, and the number of processes started with it, as mpirun, PMIx, a step of srun
// and torchrun say; 0 and 1 if it is alone.
int32_t RankByLauncher();
int32_t NumRanksByLauncher();

}  // namespace quadhop
