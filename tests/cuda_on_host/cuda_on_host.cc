// Fibers jump between stacks, which the checked longjmp takes for a mistake.
#undef _FORTIFY_SOURCE
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda_runtime.h"

thread_local uint3 threadIdx, blockIdx;
thread_local dim3 blockDim, gridDim;

namespace quadhop::cuda {
alignas(1024) unsigned char shared_memory[size_t{228} << 10];
}  // namespace quadhop::cuda

namespace cuda_on_host {
namespace {

constexpr unsigned kWarp = 32, kGroup = 128;
constexpr size_t kStackBytes = size_t{64} << 10;
constexpr size_t kPage = 4096, kAlignment = 256;  // of cudaMalloc

// Device memory: one piece of address space, so that one call opens it to kernels and closes it to
// the host. Blocks have a page of 0xFF behind them: NaN to what reads beyond the end; what writes
// there is found when the block is freed.
constexpr size_t kDeviceBytes = size_t{1} << 36;  // reserved, not taken
struct Block {
  unsigned char* pages;
  size_t page_bytes;  // with the page behind
  size_t bytes;       // asked for
};
struct DeviceMemory {
  unsigned char* const begin = static_cast<unsigned char*>(
      mmap(nullptr, kDeviceBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
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

void Check(bool holds, const char* what) {
  if (!holds) Bug(what);
}

void Protect(int access) {
  if (Memory().used > 0)
    Check(mprotect(Memory().begin, Memory().used, access) == 0, "mprotect failed");
}
// When nothing is taken: what was taken before need not be opened and closed any more.
void GiveBack() {
  Protect(PROT_NONE);
  Check(madvise(Memory().begin, Memory().used, MADV_DONTNEED) == 0, "madvise failed");
  Memory().used = 0;
  Memory().free.clear();
}

// The device does one thing at a time.
std::mutex& DeviceMutex() {
  static auto* const kMutex = new std::mutex;
  return *kMutex;
}
enum class State { kReady, kAtWarpBarrier, kAtGroupBarrier, kAtBlockBarrier, kDone };
// A thread of a block. It outlives the block, to run the same thread of the next.
struct Fiber {
  ucontext_t begin;
  jmp_buf place;
  std::vector<unsigned char> stack;
  bool begun = false;
  State state;
  unsigned parity;              // of exchanges
  unsigned char passed[2][32];  // to other lanes
};

// The block that runs. Fibers stay with the thread of the process that made them.
thread_local std::vector<std::unique_ptr<Fiber>> fibers;
thread_local jmp_buf scheduler;
thread_local unsigned current;  // thread
thread_local const std::function<void()>* kernel;

// Back to the scheduler, until it resumes the fiber. setjmp, since swapcontext asks the kernel for
// signal masks at every switch.
void Wait(State state) {
  Fiber& fiber = *fibers[current];
  fiber.state = state;
  if (_setjmp(fiber.place) == 0) _longjmp(scheduler, 1);
}

void RunKernels() {
  while (true) {
    (*kernel)();
    Wait(State::kDone);
  }
}

void Resume(unsigned thread) {
  current = thread;
  threadIdx.x = thread;
  Fiber& fiber = *fibers[thread];
  if (_setjmp(scheduler) != 0) return;
  if (fiber.begun) _longjmp(fiber.place, 1);
  fiber.begun = true;
  setcontext(&fiber.begin);
}

void AddFiber() {
  fibers.push_back(std::make_unique<Fiber>());
  Fiber& fiber = *fibers.back();
  fiber.stack.resize(kStackBytes);
  getcontext(&fiber.begin);
  fiber.begin.uc_stack.ss_sp = fiber.stack.data();
  fiber.begin.uc_stack.ss_size = fiber.stack.size();
  makecontext(&fiber.begin, &RunKernels, 0);
}

bool AllAre(unsigned begin, unsigned end, State state) {
  for (unsigned t = begin; t < end; ++t)
    if (fibers[t]->state != state) return false;
  return true;
}

// Until every lane is done or waits for the block.
void RunWarp(unsigned begin, unsigned end) {
  while (true) {
    for (unsigned t = begin; t < end; ++t)
      if (fibers[t]->state == State::kReady) Resume(t);
    bool waits = false;
    for (unsigned t = begin; t < end; ++t) waits |= fibers[t]->state == State::kAtWarpBarrier;
    if (!waits) return;
    Check(AllAre(begin, end, State::kAtWarpBarrier), "not all lanes of a warp reach its barrier");
    for (unsigned t = begin; t < end; ++t) fibers[t]->state = State::kReady;
  }
}

// Those groups whose threads are all at their barrier; whether there were any.
bool ReleaseGroups(unsigned threads) {
  bool any = false;
  for (unsigned first = 0; first + kGroup <= threads; first += kGroup) {
    if (!AllAre(first, first + kGroup, State::kAtGroupBarrier)) continue;
    for (unsigned t = first; t < first + kGroup; ++t) fibers[t]->state = State::kReady;
    any = true;
  }
  return any;
}

void RunBlock(unsigned threads) {
  for (unsigned t = 0; t < threads; ++t) {
    fibers[t]->state = State::kReady;
    fibers[t]->parity = 0;
  }
  const unsigned warps = threads / kWarp;
  while (!AllAre(0, threads, State::kDone)) {
    for (unsigned w = 0; w < warps; ++w) {
      // No order of warps is promised.
      const unsigned warp = blockIdx.x % 2 == 0 ? w : warps - 1 - w;
      RunWarp(warp * kWarp, (warp + 1) * kWarp);
    }
    if (AllAre(0, threads, State::kDone)) return;
    if (ReleaseGroups(threads)) continue;
    Check(AllAre(0, threads, State::kAtBlockBarrier), "not all threads of a block reach a barrier");
    for (unsigned t = 0; t < threads; ++t) fibers[t]->state = State::kReady;
  }
}

}  // namespace

Access::Access() {
  DeviceMutex().lock();
  Protect(PROT_READ | PROT_WRITE);
}
Access::~Access() {
  Protect(PROT_NONE);
  DeviceMutex().unlock();
}

void Bug(const char* what) {
  std::fprintf(stderr, "cuda on host: %s (block %u, thread %u)\n", what, blockIdx.x, threadIdx.x);
  std::abort();
}

void Run(unsigned blocks, unsigned threads, size_t shared_bytes,
         const std::function<void()>& body) {
  Check(threads % kWarp == 0, "a block of parts of warps");
  Check(shared_bytes <= sizeof(quadhop::cuda::shared_memory), "too much shared memory");
  const Access access;
  while (fibers.size() < threads) AddFiber();
  kernel = &body;
  gridDim = dim3(blocks);
  blockDim = dim3(threads);
  for (unsigned b = 0; b < blocks; ++b) {
    blockIdx.x = b;
    std::memset(quadhop::cuda::shared_memory, 0xFF, shared_bytes);  // NaN
    RunBlock(threads);
  }
}

void BlockBarrier() { Wait(State::kAtBlockBarrier); }
void WarpBarrier() { Wait(State::kAtWarpBarrier); }
void GroupBarrier() { Wait(State::kAtGroupBarrier); }

void Gather(const void* value, size_t bytes, void* of_lanes) {
  const unsigned thread = current, parity = fibers[thread]->parity ^= 1;
  Check(bytes <= sizeof(Fiber::passed[0]), "lanes pass too much");
  std::memcpy(fibers[thread]->passed[parity], value, bytes);
  WarpBarrier();
  const unsigned first = thread / kWarp * kWarp;
  for (unsigned lane = 0; lane < kWarp; ++lane)
    std::memcpy(static_cast<unsigned char*>(of_lanes) + lane * bytes,
                fibers[first + lane]->passed[parity], bytes);
}

}  // namespace cuda_on_host

constexpr int kDevices = 8;

using cuda_on_host::Access;
using cuda_on_host::Check;
using cuda_on_host::DeviceMutex;
using cuda_on_host::kPage;
using cuda_on_host::Memory;
using cuda_on_host::Registered;

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

// What was queued is done at once, but for work of other libraries, which waits for peers.
struct CudaOnHostStream {
  std::vector<std::function<bool()>> queued;
};
void cuda_on_host::Queue(CudaOnHostStream* stream, std::function<bool()> done) {
  stream->queued.push_back(std::move(done));
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  *stream = new CudaOnHostStream;
  return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  std::erase_if(stream->queued, [](const std::function<bool()>& done) { return done(); });
  return stream->queued.empty() ? cudaSuccess : cudaErrorNotReady;
}
std::atomic<int64_t> num_waits{0};
int64_t cuda_on_host::NumWaits() { return num_waits; }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  ++num_waits;
  Check(cudaStreamQuery(stream) == cudaSuccess, "a wait without a deadline for other ranks");
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  const std::scoped_lock lock(DeviceMutex());
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

cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t) {
  using cuda_on_host::kAlignment;
  const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t page_bytes = (rounded + kPage - 1) / kPage * kPage + kPage;
  const Access access;
  cuda_on_host::DeviceMemory& device = Memory();
  unsigned char* pages = device.begin + device.used;
  const auto found = device.free.find(page_bytes);
  if (found != device.free.end()) {
    pages = found->second;
    device.free.erase(found);
  } else {
    if (device.used + page_bytes > cuda_on_host::kDeviceBytes) return cudaErrorMemoryAllocation;
    device.used += page_bytes;
    Check(mprotect(pages, page_bytes, PROT_READ | PROT_WRITE) == 0, "mprotect failed");
  }
  std::memset(pages, 0xFF, page_bytes);
  *memory = pages + (page_bytes - kPage - rounded);
  device.blocks[*memory] = {pages, page_bytes, bytes};
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t) {
  const Access access;
  const auto found = Memory().blocks.find(memory);
  Check(found != Memory().blocks.end(), "memory is freed that was not taken");
  const cuda_on_host::Block block = found->second;
  const auto* first = static_cast<const unsigned char*>(memory);
  Check(std::all_of(first + block.bytes,
                    static_cast<const unsigned char*>(block.pages) + block.page_bytes,
                    [](unsigned char byte) { return byte == 0xFF; }),
        "something was written beyond the end of device memory");
  Memory().blocks.erase(found);
  Memory().free.emplace(block.page_bytes, block.pages);
  std::memset(block.pages, 0xFF, block.page_bytes);
  if (Memory().blocks.empty()) cuda_on_host::GiveBack();
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  const Access access;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                              size_t width, size_t height, cudaMemcpyKind, cudaStream_t) {
  Check(width <= to_pitch && width <= from_pitch, "rows of a copy overlap");
  const Access access;
  for (size_t row = 0; row < height; ++row)
    std::memcpy(static_cast<unsigned char*>(to) + row * to_pitch,
                static_cast<const unsigned char*>(from) + row * from_pitch, width);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}

// Queued work is done at once, so that no event is ever waited for.
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = nullptr;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  return cudaMemset2DAsync(memory, bytes, value, bytes, 1, stream);
}
cudaError_t cudaMemset2DAsync(void* memory, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t) {
  const Access access;
  for (size_t row = 0; row < height; ++row)
    std::memset(static_cast<unsigned char*>(memory) + row * pitch, value, width);
  return cudaSuccess;
}

// Pages are locked as wholes, and once.
cudaError_t cudaHostRegister(void* memory, size_t bytes, unsigned) {
  const std::scoped_lock lock(DeviceMutex());
  const auto page = [](const void* at) { return reinterpret_cast<uintptr_t>(at) / kPage; };
  for (const auto& [begin, other] : Registered())
    if (page(memory) <= page(static_cast<unsigned char*>(begin) + other - 1) &&
        page(begin) <= page(static_cast<unsigned char*>(memory) + bytes - 1))
      return cudaErrorHostMemoryAlreadyRegistered;
  Registered()[memory] = bytes;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* memory) {
  const std::scoped_lock lock(DeviceMutex());
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
