// Memory, streams and events of the stand-in for CUDA.
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "cuda_runtime.h"

namespace cuda_on_host {

struct Graph;

namespace {

constexpr size_t kPage = 4096, kAlignment = 256;  // of cudaMalloc

// Device memory: one piece of address space, so that one call opens it to kernels and closes it to
// the host. Blocks have a page of 0xFF behind them: NaN to what reads beyond the end; what writes
// there is found when the block is freed. What nobody has taken is 0xFF too: what writes there is
// found when the block is taken.
constexpr size_t kDeviceBytes = size_t{1} << 36;  // reserved, not taken
struct Block {
  unsigned char* pages;
  size_t page_bytes;             // with the page behind
  size_t bytes;                  // asked for
  bool freed = false;            // it was asked for; its turn may not have come
  const Graph* graph = nullptr;  // which takes and frees it at each launch
};
struct DeviceMemory {
  unsigned char* const begin = static_cast<unsigned char*>(
      mmap(nullptr, kDeviceBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  bool open = false;                           // may be touched
  size_t used = 0;                             // bytes from the begin that blocks ever took
  std::multimap<size_t, unsigned char*> free;  // by page_bytes
  std::map<void*, Block> blocks;
};
DeviceMemory& Memory() {
  static auto* const kMemory = new DeviceMemory;
  return *kMemory;
}

// Memory of the host that is locked for the device, and its bytes.
std::map<void*, size_t>& Registered() {
  static auto* const kRegistered = new std::map<void*, size_t>;
  return *kRegistered;
}

void Protect(int access) {
  if (Memory().used > 0)
    Check(mprotect(Memory().begin, Memory().used, access) == 0, "mprotect failed");
  Memory().open = access != PROT_NONE;
}
// When nothing is taken: what was taken before need not be opened and closed any more.
void GiveBack() {
  Protect(PROT_NONE);
  Check(madvise(Memory().begin, Memory().used, MADV_DONTNEED) == 0, "madvise failed");
  Memory().used = 0;
  Memory().free.clear();
}

bool IsPoison(const unsigned char* begin, const unsigned char* end) {
  const auto bytes = static_cast<size_t>(end - begin);
  return bytes == 0 || (*begin == 0xFF && std::memcmp(begin, begin + 1, bytes - 1) == 0);
}

// The device does one thing at a time, for one thread: while a Turn lives.
class Turn {
 public:
  Turn() : lock_(Mutex()) {}
  ~Turn() {
    if (Memory().open) Protect(PROT_NONE);
  }

 private:
  static std::mutex& Mutex() {
    static auto* const kMutex = new std::mutex;
    return *kMutex;
  }
  const std::scoped_lock<std::mutex> lock_;
};

}  // namespace
}  // namespace cuda_on_host

// Operations are done in order, and not before somebody waits for them.
struct CudaOnHostStream {
  struct Queue {
    std::deque<std::function<bool()>> operations;
    int64_t num_done = 0;  // which are no longer among the operations
    int64_t end() const { return num_done + static_cast<int64_t>(operations.size()); }

    std::shared_ptr<cuda_on_host::Graph> graph;  // while it is captured
    size_t branch = 0;                           // of the graph
  };
  // Events that stand in it may outlive the stream.
  const std::shared_ptr<Queue> queue = std::make_shared<Queue>();
};

// All that there are.
std::set<std::shared_ptr<CudaOnHostStream::Queue>>& Queues() {
  static auto* const kQueues = new std::set<std::shared_ptr<CudaOnHostStream::Queue>>;
  return *kQueues;
}

struct CudaOnHostEvent {
  std::shared_ptr<CudaOnHostStream::Queue> queue;  // nullptr: not recorded
  int64_t end;                                     // of the operations before it
  int64_t capture;                                 // that it is of; 0: none
};

namespace cuda_on_host {

// Streams as they were captured, each a branch.
struct Graph {
  struct Operation {
    std::function<bool()> done;  // empty: it waits for the first `end` operations of `branch`
    size_t branch;
    int64_t end;
  };
  using Branch = std::vector<Operation>;

  Graph() {
    static int64_t num_captures = 0;
    capture = ++num_captures;
  }
  ~Graph();
  // What the first `end` operations of a branch wait for, they counted in.
  void Reach(size_t branch, int64_t end, std::vector<int64_t>* reached) const;

  int64_t capture;
  std::vector<Branch> branches;  // of the stream that the capture began with first
  std::vector<std::shared_ptr<CudaOnHostStream::Queue>> captured;  // while the capture goes on
};

}  // namespace cuda_on_host

struct CudaOnHostGraph {
  std::shared_ptr<cuda_on_host::Graph> graph;
};
struct CudaOnHostGraphExec {
  std::shared_ptr<cuda_on_host::Graph> graph;
};

namespace cuda_on_host {
namespace {

// The operations before `end`, and whether all are done: not if one is to be tried again. One that
// waits for an event comes back here for another queue, and may come back for this one, but for
// earlier operations only.
bool WorkOff(CudaOnHostStream::Queue& queue, int64_t end) {
  while (queue.num_done < end) {
    if (!queue.operations.front()()) return false;
    queue.operations.pop_front();
    ++queue.num_done;
  }
  return true;
}

std::optional<std::mt19937_64>& Random() {
  static auto* const kRandom = new std::optional<std::mt19937_64>;
  return *kRandom;
}

// The same of all operations of a queue, where StreamsAtRandom lives by operations of all queues
// that are `ready` in any order that they allow.
bool WorkOffAll(CudaOnHostStream::Queue& awaited, std::vector<CudaOnHostStream::Queue*> ready) {
  if (!Random().has_value()) return WorkOff(awaited, awaited.end());
  while (!awaited.operations.empty()) {
    CudaOnHostStream::Queue*& queue = ready[(*Random())() % ready.size()];
    if (WorkOff(*queue, std::min(queue->num_done + 1, queue->end()))) continue;
    if (queue == &awaited) return false;
    queue = &awaited;  // what others wait for may take long
  }
  return true;
}

void Append(CudaOnHostStream* stream, std::function<bool()> done) {
  Check(stream != nullptr, "work on the default stream");
  CudaOnHostStream::Queue& queue = *stream->queue;
  if (queue.graph != nullptr) {
    queue.graph->branches[queue.branch].push_back({std::move(done), 0, 0});
  } else {
    queue.operations.push_back(std::move(done));
  }
}

// Of the operations on a stream, or in its branch of a graph.
int64_t NumAppended(const CudaOnHostStream::Queue& queue) {
  return queue.graph == nullptr ? queue.end()
                                : static_cast<int64_t>(queue.graph->branches[queue.branch].size());
}

template <typename Work>
void AppendWork(CudaOnHostStream* stream, Work work) {
  Append(stream, [work = std::move(work)] {
    OpenMemory();
    work();
    return true;
  });
}
template <typename Work>
void QueueWork(CudaOnHostStream* stream, Work work) {
  const Turn turn;
  AppendWork(stream, std::move(work));
}

}  // namespace

void OpenMemory() {
  if (!Memory().open) Protect(PROT_READ | PROT_WRITE);
}

// A graph that is launched for the last time may still be queued: then its memory goes with that.
Graph::~Graph() {
  for (auto block = Memory().blocks.begin(); block != Memory().blocks.end();) {
    if (block->second.graph != this) {
      ++block;
      continue;
    }
    Memory().free.emplace(block->second.page_bytes, block->second.pages);
    block = Memory().blocks.erase(block);
  }
  if (Memory().blocks.empty()) GiveBack();
}

void Graph::Reach(size_t branch, int64_t end, std::vector<int64_t>* reached) const {
  for (int64_t& at = (*reached)[branch]; at < end;) {
    const Operation& operation = branches[branch][static_cast<size_t>(at++)];
    if (operation.done == nullptr) Reach(operation.branch, operation.end, reached);
  }
}

void Bug(const char* what) {
  std::fprintf(stderr, "cuda on host: %s (block %u, thread %u)\n", what, blockIdx.x, threadIdx.x);
  std::abort();
}

}  // namespace cuda_on_host

constexpr int kDevices = 8;

using cuda_on_host::Append;
using cuda_on_host::AppendWork;
using cuda_on_host::Check;
using cuda_on_host::kPage;
using cuda_on_host::Memory;
using cuda_on_host::QueueWork;
using cuda_on_host::Registered;
using cuda_on_host::Turn;
using cuda_on_host::WorkOff;
using cuda_on_host::WorkOffAll;

cuda_on_host::StreamsAtRandom::StreamsAtRandom(uint64_t seed) {
  const Turn turn;
  Random().emplace(seed);
}
cuda_on_host::StreamsAtRandom::~StreamsAtRandom() {
  const Turn turn;
  Random().reset();
}

const char* cudaGetErrorName(cudaError_t) { return "cudaError"; }
const char* cudaGetErrorString(cudaError_t) { return "an error of CUDA on the host"; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return device < kDevices ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  *properties = {"the host", {{static_cast<char>(device)}}, 9, 0, size_t{227} << 10};
  return cudaSuccess;
}

void cuda_on_host::Queue(CudaOnHostStream* stream, std::function<bool()> done) {
  const Turn turn;
  Append(stream, std::move(done));
}
int64_t cuda_on_host::NumQueued(CudaOnHostStream* stream) {
  const Turn turn;
  return cuda_on_host::NumAppended(*stream->queue);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  const Turn turn;
  *stream = new CudaOnHostStream;
  Queues().insert((*stream)->queue);
  return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Turn turn;
  Check(stream->queue->graph == nullptr, "a stream is waited for that is captured");
  std::vector<CudaOnHostStream::Queue*> all;
  for (const auto& queue : Queues()) all.push_back(queue.get());
  return WorkOffAll(*stream->queue, std::move(all)) ? cudaSuccess : cudaErrorNotReady;
}
std::atomic<int64_t> num_waits{0};
int64_t cuda_on_host::NumWaits() { return num_waits; }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ++num_waits;
  Check(cudaStreamQuery(stream) == cudaSuccess, "a wait without a deadline for other ranks");
  return cudaSuccess;
}
// As late as the end of the stream.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Check(cudaStreamQuery(stream) == cudaSuccess, "a stream ends that waits for other ranks");
  const Turn turn;
  Queues().erase(stream->queue);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CudaOnHostEvent{};
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Turn turn;
  const auto& graph = stream->queue->graph;
  *event = {stream->queue, cuda_on_host::NumAppended(*stream->queue),
            graph == nullptr ? 0 : graph->capture};
  return cudaSuccess;
}
// For what the event is now: it may be recorded again, or destroyed, before the stream's turn.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Turn turn;
  CudaOnHostStream::Queue& queue = *stream->queue;
  if (event->capture != 0 && queue.graph == nullptr) {
    queue.graph = event->queue->graph;
    Check(queue.graph != nullptr && queue.graph->capture == event->capture,
          "an event is waited for whose capture has ended");
    queue.branch = queue.graph->branches.size();
    queue.graph->branches.emplace_back();
    queue.graph->captured.push_back(stream->queue);
  }
  if (queue.graph != nullptr) {
    Check(event->capture == queue.graph->capture,
          "a captured stream waits for an event of no capture");
    queue.graph->branches[queue.branch].push_back({nullptr, event->queue->branch, event->end});
    return cudaSuccess;
  }
  if (event->queue == nullptr) return cudaSuccess;
  Append(stream, [place = *event] { return WorkOff(*place.queue, place.end); });
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Turn turn;
  delete event;
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const Turn turn;
  CudaOnHostStream::Queue& queue = *stream->queue;
  Check(queue.graph == nullptr, "a stream is captured twice");
  queue.graph = std::make_shared<cuda_on_host::Graph>();
  queue.branch = 0;
  queue.graph->branches.emplace_back();
  queue.graph->captured.push_back(stream->queue);
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Turn turn;
  const std::shared_ptr<cuda_on_host::Graph> captured = stream->queue->graph;
  Check(captured != nullptr && stream->queue->branch == 0, "a capture ends that was not begun");
  std::vector<int64_t> reached(captured->branches.size());
  captured->Reach(0, cuda_on_host::NumAppended(*stream->queue), &reached);
  for (size_t i = 0; i < reached.size(); ++i)
    Check(reached[i] == static_cast<int64_t>(captured->branches[i].size()),
          "a capture ends before all that was captured is waited for");
  for (const auto& [memory, block] : Memory().blocks)
    Check(block.graph != captured.get() || block.freed, "memory is taken in a capture and kept");
  for (const auto& queue : captured->captured) queue->graph = nullptr;
  captured->captured.clear();
  *graph = new CudaOnHostGraph{captured};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  *executable = new CudaOnHostGraphExec{graph->graph};
  return cudaSuccess;
}
// Its branches are queues for the time of the launch.
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  QueueWork(stream, [graph = executable->graph] {
    std::vector<CudaOnHostStream::Queue> queues(graph->branches.size());
    for (size_t i = 0; i < queues.size(); ++i)
      for (const cuda_on_host::Graph::Operation& operation : graph->branches[i])
        queues[i].operations.push_back(operation.done != nullptr ? operation.done : [&] {
          return WorkOff(queues[operation.branch], operation.end);
        });
    std::vector<CudaOnHostStream::Queue*> all;
    for (CudaOnHostStream::Queue& queue : queues) all.push_back(&queue);
    Check(cuda_on_host::WorkOffAll(queues[0], all), "a graph waits for other ranks");
  });
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const Turn turn;
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Turn turn;
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  const Turn turn;
  // The last block that begins at or before it.
  const std::map<void*, cuda_on_host::Block>& blocks = Memory().blocks;
  auto block = blocks.upper_bound(const_cast<void*>(memory));
  const bool on_device =
      block != blocks.begin() &&
      memory < static_cast<unsigned char*>((--block)->first) + block->second.bytes;
  attributes->type = on_device ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t*, int) { return cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }

int64_t allocations_to_failure = 0;
void cuda_on_host::FailAllocation(int64_t n) {
  const Turn turn;
  allocations_to_failure = n;
}

// The address at once, the memory in the stream's turn.
cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t stream) {
  using cuda_on_host::kAlignment;
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t page_bytes = (rounded + kPage - 1) / kPage * kPage + kPage;
  const Turn turn;
  if (allocations_to_failure > 0 && --allocations_to_failure == 0) return cudaErrorMemoryAllocation;
  cuda_on_host::DeviceMemory& device = Memory();
  unsigned char* pages = device.begin + device.used;
  const auto found = device.free.find(page_bytes);
  if (found != device.free.end()) {
    pages = found->second;
    device.free.erase(found);
  } else {
    if (device.used + page_bytes > cuda_on_host::kDeviceBytes) return cudaErrorMemoryAllocation;
    device.used += page_bytes;
    cuda_on_host::OpenMemory();
    std::memset(pages, 0xFF, page_bytes);
  }
  *memory = pages + (page_bytes - kPage - rounded);
  device.blocks[*memory] = {pages, page_bytes, bytes, false, stream->queue->graph.get()};
  AppendWork(stream, [=] {
    Check(cuda_on_host::IsPoison(pages, pages + page_bytes),
          "memory was written before it was taken, or after it was freed");
  });
  return cudaSuccess;
}

// Nobody can take it before it is freed in the stream's turn.
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  const Turn turn;
  const auto found = Memory().blocks.find(memory);
  Check(found != Memory().blocks.end() && !found->second.freed,
        "memory is freed that was not taken");
  Check(found->second.graph == stream->queue->graph.get(),
        "memory is freed in another capture than that which takes it");
  found->second.freed = true;
  AppendWork(stream, [memory] {
    const cuda_on_host::Block block = Memory().blocks.at(memory);
    Check(cuda_on_host::IsPoison(static_cast<const unsigned char*>(memory) + block.bytes,
                                 block.pages + block.page_bytes),
          "something was written beyond the end of device memory");
    std::memset(block.pages, 0xFF, block.page_bytes);
    if (block.graph != nullptr) return;  // which will take it again
    Memory().blocks.erase(memory);
    Memory().free.emplace(block.page_bytes, block.pages);
    if (Memory().blocks.empty()) cuda_on_host::GiveBack();
  });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  QueueWork(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                              size_t width, size_t height, cudaMemcpyKind, cudaStream_t stream) {
  Check(width <= to_pitch && width <= from_pitch, "rows of a copy overlap");
  QueueWork(stream, [=] {
    for (size_t row = 0; row < height; ++row)
      std::memcpy(static_cast<unsigned char*>(to) + row * to_pitch,
                  static_cast<const unsigned char*>(from) + row * from_pitch, width);
  });
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
// Waits for nothing, and leaves NaN to copies that are still queued.
cudaError_t cudaFreeHost(void* memory) {
  std::memset(memory, 0xFF, malloc_usable_size(memory));
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return cudaMemset2DAsync(memory, bytes, value, bytes, 1, stream);
}
cudaError_t cudaMemset2DAsync(void* memory, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream) {
  QueueWork(stream, [=] {
    for (size_t row = 0; row < height; ++row)
      std::memset(static_cast<unsigned char*>(memory) + row * pitch, value, width);
  });
  return cudaSuccess;
}

// Pages are locked as wholes, and once.
cudaError_t cudaHostRegister(void* memory, size_t bytes, unsigned) {
  const Turn turn;
  const auto page = [](const void* at) { return reinterpret_cast<uintptr_t>(at) / kPage; };
  for (const auto& [begin, other] : Registered())
    if (page(memory) <= page(static_cast<unsigned char*>(begin) + other - 1) &&
        page(begin) <= page(static_cast<unsigned char*>(memory) + bytes - 1))
      return cudaErrorHostMemoryAlreadyRegistered;
  Registered()[memory] = bytes;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* memory) {
  const Turn turn;
  Check(Registered().erase(memory) == 1, "memory is unregistered that was not registered");
  return cudaSuccess;
}
cudaError_t cudaHostGetDevicePointer(void** seen, void* memory, unsigned) {
  *seen = memory;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = size_t{1} << 30;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }
