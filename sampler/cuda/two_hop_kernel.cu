#include <algorithm>

#include "core/cuda/threads.cuh"
#include "sampler/cuda/block_scan.cuh"
#include "sampler/cuda/two_hop_kernel.h"
#include "sampler/samples/entry_hash.h"
#include "sampler/samples/sample_rules.h"

namespace quadhop::cuda {
namespace {

using Word = unsigned long long;  // as atomic operations take 64 bits
constexpr Word kFree = ~Word{0};  // no entry, and no draw

struct Candidate {
  uint64_t hash, entry;
};

// The larger of the two uses of a block's scratch memory (entries of EXACT, draws of PATHS).
size_t ScratchBytes(const SampleRoom& room) {
  return std::max(static_cast<size_t>(room.capacity) * sizeof(Candidate),
                  static_cast<size_t>(room.slots) * sizeof(unsigned));
}

// The shared memory of a block.
template <typename Index>
struct BlockMemory {
  __device__ explicit BlockMemory(const SampleRoom& room) {
    warp_totals = reinterpret_cast<int64_t*>(shared_memory);
    row_ends = warp_totals + kBlockWarps;
    row_begins = reinterpret_cast<const Index**>(row_ends + kBlockThreads);
    table = reinterpret_cast<Word*>(row_begins + kBlockThreads);
    chosen = reinterpret_cast<int64_t*>(table + room.slots);
    num_kept = reinterpret_cast<int*>(chosen + room.wanted);
    scratch = chosen + room.wanted + 1;
  }
  int64_t* warp_totals;      // [kBlockWarps]
  int64_t* row_ends;         // [kBlockThreads]: running sum of the sizes of neighbours' rows
  const Index** row_begins;  // [kBlockThreads]
  Word* table;               // [slots]: open addressing
  int64_t* chosen;           // [wanted]
  int* num_kept;
  int64_t* scratch;  // ScratchBytes()
};

template <typename Index>
struct Row {
  const Index* begin;
  int64_t size;
};

template <typename Index>
__device__ Row<Index> RowOf(const ReadableTopology<Index>& topology, int64_t node) {
  const int64_t begin = topology.indptr[node];
  return {topology.indices + begin, topology.indptr[node + 1] - begin};
}

template <typename Index>
__device__ int64_t CountTwoStepPaths(const ReadableTopology<Index>& topology, Row<Index> own,
                                     const BlockMemory<Index>& shared) {
  int64_t of_thread = 0, total;
  for (int64_t i = threadIdx.x; i < own.size; i += kBlockThreads)
    of_thread += RowOf(topology, static_cast<int64_t>(own.begin[i])).size;
  BlockScan(of_thread, shared.warp_totals, total);
  return total;
}

// Sets the rows that EndOfPath reads to those of the neighbours from `first` on, as many as the
// block has threads, and returns how many entries they have.
template <typename Index>
__device__ int64_t TakeRows(const ReadableTopology<Index>& topology, Row<Index> own, int64_t first,
                            const BlockMemory<Index>& shared) {
  const int64_t i = first + threadIdx.x;
  Row<Index> row = {nullptr, 0};
  if (i < own.size) row = RowOf(topology, static_cast<int64_t>(own.begin[i]));
  int64_t total;
  const int64_t end = BlockScan(row.size, shared.warp_totals, total);
  shared.row_ends[threadIdx.x] = end;
  shared.row_begins[threadIdx.x] = row.begin;
  __syncthreads();
  return total;
}

// Entry `path` of the rows taken, counted through all rows: threads share the entries evenly,
// however long each row is.
template <typename Index>
__device__ int64_t EndOfPath(const BlockMemory<Index>& shared, int64_t path) {
  const int64_t row = FirstAbove(shared.row_ends, kBlockThreads, path);
  const int64_t before = row == 0 ? 0 : shared.row_ends[row - 1];
  return static_cast<int64_t>(shared.row_begins[row][path - before]);
}

// The slot of `value`, which is put there if it is new; -1 if the table is full.
__device__ int64_t FindOrPut(Word* table, int64_t slots, uint64_t place, Word value, bool& is_new) {
  is_new = false;
  for (int64_t probe = 0; probe < slots; ++probe) {
    const int64_t slot = static_cast<int64_t>(place + static_cast<uint64_t>(probe)) & (slots - 1);
    const Word old = atomicCAS(table + slot, kFree, value);
    is_new = old == kFree;
    if (is_new || old == value) return slot;
  }
  return -1;
}

template <typename Index>
__device__ void EmptyTable(const SampleRoom& room, const BlockMemory<Index>& shared) {
  for (int64_t i = threadIdx.x; i < room.slots; i += kBlockThreads) shared.table[i] = kFree;
}

// Keeps a pool entry whose hash is within the limit, once. Beyond the capacity it is only counted.
template <typename Index>
__device__ void Offer(int64_t node, EntryKey key, uint64_t hop_bit, uint32_t limit,
                      const SampleRoom& room, const BlockMemory<Index>& shared) {
  const auto id = static_cast<uint64_t>(node);
  if (EntryHashUpper(key, id) > limit) return;
  if (*const_cast<volatile int*>(shared.num_kept) > room.capacity) return;
  const uint64_t hash = EntryHash(key, id), entry = EntryOf(id, hop_bit);
  bool is_new;
  FindOrPut(shared.table, room.slots, hash, entry, is_new);
  if (!is_new) return;
  const int place = atomicAdd(shared.num_kept, 1);
  if (place < room.capacity) reinterpret_cast<Candidate*>(shared.scratch)[place] = {hash, entry};
}

// Keeps all pool entries within the limit; returns how many there are.
template <typename Index>
__device__ int64_t KeepWithin(uint32_t limit, const ReadableTopology<Index>& topology,
                              Row<Index> own, uint64_t node_key, const SampleRoom& room,
                              const BlockMemory<Index>& shared) {
  const EntryKey first = MakeEntryKey(node_key, kFirstHop);
  const EntryKey second = MakeEntryKey(node_key, kSecondHop);
  EmptyTable(room, shared);
  if (threadIdx.x == 0) *shared.num_kept = 0;
  __syncthreads();
  for (int64_t i = threadIdx.x; i < own.size; i += kBlockThreads)
    Offer(static_cast<int64_t>(own.begin[i]), first, 0, limit, room, shared);
  for (int64_t i = 0; i < own.size; i += kBlockThreads) {
    const int64_t num_paths = TakeRows(topology, own, i, shared);
    for (int64_t path = threadIdx.x; path < num_paths; path += kBlockThreads)
      Offer(EndOfPath(shared, path), second, 1, limit, room, shared);
  }
  __syncthreads();
  const int64_t num_kept = *shared.num_kept;
  __syncthreads();  // before the next try resets it
  return num_kept;
}

// chosen: the nodes of smallest hash, in the order of hash; returns how many, at most room.wanted.
template <typename Index>
__device__ int64_t ChooseExact(const ReadableTopology<Index>& topology, Row<Index> own,
                               uint64_t node_key, const SampleRoom& room,
                               const BlockMemory<Index>& shared) {
  const int64_t two_step = CountTwoStepPaths(topology, own, shared);
  LimitSearch search(room, own.size + std::min(two_step, topology.num_nodes));
  int64_t num_kept;
  do {
    num_kept = KeepWithin(search.limit(), topology, own, node_key, room, shared);
  } while (!search.Ends(num_kept));
  // The place of each is the number of those before it.
  const auto* kept = reinterpret_cast<const Candidate*>(shared.scratch);
  for (int64_t i = threadIdx.x; i < num_kept; i += kBlockThreads) {
    const Candidate one = kept[i];
    int64_t place = 0;
    for (int64_t j = 0; j < num_kept; ++j)
      place += kept[j].hash < one.hash || (kept[j].hash == one.hash && kept[j].entry < one.entry);
    if (place < room.wanted) shared.chosen[place] = NodeOfEntry(one.entry);
  }
  __syncthreads();
  return std::min(num_kept, room.wanted);
}

// chosen: the first distinct values of DrawBelow(key, i, bound), i = 0, 1, ..., in their order;
// returns how many, the least of bound and room.wanted. Each thread of the block makes one draw at
// a time until there are enough: a value is new if no draw before it has it.
template <typename Index>
__device__ int64_t ChooseDistinct(uint64_t key, int64_t bound, const SampleRoom& room,
                                  const BlockMemory<Index>& shared) {
  const int64_t count = std::min(bound, room.wanted);
  auto* first_draw = reinterpret_cast<unsigned*>(shared.scratch);  // [slots]
  EmptyTable(room, shared);
  for (int64_t i = threadIdx.x; i < room.slots; i += kBlockThreads) first_draw[i] = ~0u;
  __syncthreads();
  int64_t num_chosen = 0;
  for (unsigned draw = threadIdx.x; num_chosen < count; draw += kBlockThreads) {
    const int64_t value = DrawBelow(key, draw, bound);
    bool is_new;
    const int64_t slot = FindOrPut(shared.table, room.slots, Mix64(static_cast<uint64_t>(value)),
                                   static_cast<Word>(value), is_new);
    atomicMin(first_draw + slot, draw);
    __syncthreads();
    const bool is_first = first_draw[slot] == draw;
    int64_t total;
    const int64_t place = num_chosen + BlockScan(is_first, shared.warp_totals, total) - 1;
    if (is_first && place < count) shared.chosen[place] = value;
    num_chosen += total;
  }
  __syncthreads();
  return count;
}

// chosen: the ends of distinct draws of paths, in their order; returns how many.
template <typename Index>
__device__ int64_t ChoosePaths(const ReadableTopology<Index>& topology, Row<Index> own,
                               uint64_t node_key, const SampleRoom& room,
                               const BlockMemory<Index>& shared) {
  const int64_t two_step = CountTwoStepPaths(topology, own, shared);
  const int64_t count =
      ChooseDistinct(Mix64(node_key ^ kPathDraws), own.size + two_step, room, shared);
  int64_t* ends = shared.scratch;  // [wanted]
  int64_t taken = 0;               // two-step paths over the neighbours so far
  for (int64_t first = 0; first < own.size; first += kBlockThreads) {
    const int64_t num_paths = TakeRows(topology, own, first, shared);
    for (int64_t i = threadIdx.x; i < count; i += kBlockThreads) {
      const int64_t path = shared.chosen[i] - own.size - taken;
      if (path >= 0 && path < num_paths) ends[i] = EndOfPath(shared, path);
    }
    taken += num_paths;
  }
  for (int64_t i = threadIdx.x; i < count; i += kBlockThreads) {
    const int64_t draw = shared.chosen[i];
    shared.chosen[i] = draw < own.size ? static_cast<int64_t>(own.begin[draw]) : ends[i];
  }
  __syncthreads();
  return count;
}

template <typename Index>
__global__ void __launch_bounds__(kBlockThreads)
    SampleKernel(ReadableTopology<Index> topology, SampleJob job) {
  const BlockMemory<Index> shared(job.room);
  const int64_t node = job.nodes[blockIdx.x];
  const uint64_t node_key = SampleKey(job.seed, job.epoch, node);
  const Row<Index> own = RowOf(topology, node);
  int64_t count;
  if (own.size == 0)
    count = ChooseDistinct(Mix64(node_key ^ kGraphDraws), topology.num_nodes, job.room, shared);
  else if (job.exact)
    count = ChooseExact(topology, own, node_key, job.room, shared);
  else
    count = ChoosePaths(topology, own, node_key, job.room, shared);
  int64_t* out = job.out + int64_t{blockIdx.x} * (job.room.wanted + 1);
  if (threadIdx.x == 0) out[0] = node;
  for (int64_t i = threadIdx.x; i < job.room.wanted; i += kBlockThreads)
    out[1 + i] = shared.chosen[i % count];
}

}  // namespace

SampleRoom RoomForSamples(int64_t wanted) { return RoomFor(wanted, kBlockThreads); }

size_t SampleSharedBytes(const SampleRoom& room) {
  return (kBlockWarps + 2 * kBlockThreads + static_cast<size_t>(room.slots + room.wanted + 1)) *
             sizeof(int64_t) +
         ScratchBytes(room);
}

template <typename Index>
void SampleNodes(Device& device, const ReadableTopology<Index>& topology, const SampleJob& job,
                 int64_t num_nodes) {
  device.Launch(SampleKernel<Index>, {num_nodes, kBlockThreads, SampleSharedBytes(job.room)},
                topology, job);
}

template void SampleNodes(Device&, const ReadableTopology<uint32_t>&, const SampleJob&, int64_t);
template void SampleNodes(Device&, const ReadableTopology<int64_t>&, const SampleJob&, int64_t);

}  // namespace quadhop::cuda
