// The cores of a host, shared out among its ranks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// The processors of a machine, by their numbers in the operating system, in `num_ranks` shares of
// equal size, as far as cores and sockets divide evenly. The processors of a share are neighbours,
// so that the threads of a rank share a socket's memory and caches as far as possible (hwloc's
// distribution). Shares do not overlap. Empty if there are fewer processors than ranks. synthetic:
// a machine as hwloc describes one ("numa:2 core:4 pu:2"); "": this one.
std::vector<std::vector<int>> SharesOfProcessors(int32_t num_ranks,
                                                 const std::string& synthetic = "");

// Binds this process, all its threads and those it will start, to the share of rank `local_rank` of
// `ranks_on_host`, each of which calls this. Does nothing if the process is bound already, by the
// launcher or by taskset, or if some share has fewer processors than a rank has threads.
void BindToShareOfProcessors(int32_t local_rank, int32_t ranks_on_host, int num_threads);

// Cores in this process's affinity mask at the first call, before it was bound to a share of them;
// at least 1.
int AvailableCores();

// Threads of a rank: `requested`, or if that is 0 the available cores divided by the ranks on this
// host, at least 1.
int NumThreads(int64_t requested, int64_t num_local_ranks = 1);

}  // namespace quadhop
