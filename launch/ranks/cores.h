// The cores of a host, shared out among its ranks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// The processors of a machine, by their numbers in the operating system, in `num_ranks` shares of
// equal size give or take what a core or socket does not divide into: of neighbours, so that the
// threads of a rank have a socket's memory and caches in common as far as that goes (hwloc's
// distribution). Shares do not overlap. Empty where there are fewer processors than ranks.
// synthetic: a machine as hwloc describes one ("numa:2 core:4 pu:2"); "": this one.
std::vector<std::vector<int>> SharesOfProcessors(int32_t num_ranks,
                                                 const std::string& synthetic = "");

// Binds this process, all its threads and those it will start, to the share of rank `local_rank`
// of `ranks_on_host`, each of which calls this. It stays as it is where it is bound already, by the
// launcher or by taskset, or where some share has fewer processors than a rank has threads.
void BindToShareOfProcessors(int32_t local_rank, int32_t ranks_on_host, int num_threads);

// Cores in this process's affinity mask when it was first asked, before it was bound to a share of
// them; at least 1.
int AvailableCores();

// Threads of a rank: `requested`, or if that is 0 the available cores divided by the ranks on this
// host, at least 1.
int NumThreads(int64_t requested, int64_t num_local_ranks = 1);

}  // namespace quadhop
