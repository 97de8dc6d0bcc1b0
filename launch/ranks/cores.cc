#include "launch/ranks/cores.h"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <thread>
#include <utility>

namespace quadhop {
namespace {

struct FreeBitmap {
  void operator()(hwloc_bitmap_t set) const { hwloc_bitmap_free(set); }
};
using Bitmap = std::unique_ptr<hwloc_bitmap_s, FreeBitmap>;

struct DestroyTopology {
  void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
};
using TopologyHandle = std::unique_ptr<hwloc_topology, DestroyTopology>;

// nullptr if the machine cannot be inspected.
TopologyHandle LoadTopology(const std::string& synthetic) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  TopologyHandle topology(raw);
  if (!synthetic.empty() && hwloc_topology_set_synthetic(raw, synthetic.c_str()) != 0)
    return nullptr;
  return hwloc_topology_load(raw) == 0 ? std::move(topology) : nullptr;
}

// One set of processors per rank; empty if there are fewer processors than ranks.
std::vector<Bitmap> Shares(hwloc_topology_t topology, int32_t num_ranks) {
  std::vector<Bitmap> shares;
  if (hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU) < num_ranks) return shares;
  std::vector<hwloc_cpuset_t> sets(static_cast<size_t>(num_ranks));
  hwloc_obj_t root = hwloc_get_root_obj(topology);
  if (hwloc_distrib(topology, &root, 1, sets.data(), static_cast<unsigned>(num_ranks), INT_MAX,
                    0) != 0)
    return shares;
  for (hwloc_cpuset_t set : sets) shares.emplace_back(set);
  return shares;
}

}  // namespace

std::vector<std::vector<int>> SharesOfProcessors(int32_t num_ranks, const std::string& synthetic) {
  std::vector<std::vector<int>> processors;
  const TopologyHandle topology = LoadTopology(synthetic);
  if (topology == nullptr) return processors;
  for (const Bitmap& share : Shares(topology.get(), num_ranks)) {
    std::vector<int>& numbers = processors.emplace_back();
    for (int p = hwloc_bitmap_first(share.get()); p >= 0; p = hwloc_bitmap_next(share.get(), p))
      numbers.push_back(p);
  }
  return processors;
}

void BindToShareOfProcessors(int32_t local_rank, int32_t ranks_on_host, int num_threads) {
  const TopologyHandle topology = LoadTopology("");
  if (topology == nullptr) return;
  const Bitmap bound(hwloc_bitmap_alloc());
  const bool known = hwloc_get_cpubind(topology.get(), bound.get(), HWLOC_CPUBIND_PROCESS) == 0;
  const bool free_to_move =
      known &&
      hwloc_bitmap_isincluded(hwloc_topology_get_topology_cpuset(topology.get()), bound.get()) != 0;
  if (!free_to_move) return;
  const std::vector<Bitmap> shares = Shares(topology.get(), ranks_on_host);
  const auto holds_a_rank = [&](const Bitmap& share) {
    return hwloc_bitmap_weight(share.get()) >= num_threads;
  };
  if (shares.empty() || !std::all_of(shares.begin(), shares.end(), holds_a_rank)) return;
  // If the system refuses, it places threads as it likes, as without this call.
  static_cast<void>(hwloc_set_cpubind(topology.get(), shares[static_cast<size_t>(local_rank)].get(),
                                      HWLOC_CPUBIND_PROCESS));
}

int AvailableCores() {
  static const int at_first = [] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof(mask), &mask) != 0) {  // more than 1024 processors
      return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    }
    return std::max(1, CPU_COUNT(&mask));
  }();
  return at_first;
}

int NumThreads(int64_t requested, int64_t num_local_ranks) {
  if (requested > 0) return static_cast<int>(requested);
  return static_cast<int>(std::max<int64_t>(1, AvailableCores() / num_local_ranks));
}

}  // namespace quadhop
