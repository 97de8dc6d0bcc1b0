// Memory of the stand-in for CUDA.
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "tests/cuda_on_host/cuda_stand_in.h"

namespace cuda_on_host {
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
  size_t held = 0, held_high = 0;              // bytes asked for and not freed; the most of them
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

std::mutex& Mutex() {
  static auto* const kMutex = new std::mutex;
  return *kMutex;
}

}  // namespace

Turn::Turn() : lock_(Mutex()) {}
Turn::~Turn() {
  if (Memory().open) Protect(PROT_NONE);
}

void OpenMemory() {
  if (!Memory().open) Protect(PROT_READ | PROT_WRITE);
}

bool KeepsMemory(const Graph* graph) {
  return std::any_of(Memory().blocks.begin(), Memory().blocks.end(), [&](const auto& block) {
    return block.second.graph == graph && !block.second.freed;
  });
}

void FreeBlocksOf(const Graph* graph) {
  for (auto block = Memory().blocks.begin(); block != Memory().blocks.end();) {
    if (block->second.graph != graph) {
      ++block;
      continue;
    }
    Memory().free.emplace(block->second.page_bytes, block->second.pages);
    block = Memory().blocks.erase(block);
  }
  if (Memory().blocks.empty()) GiveBack();
}

}  // namespace cuda_on_host

using cuda_on_host::AppendWork;
using cuda_on_host::Check;
using cuda_on_host::kPage;
using cuda_on_host::Memory;
using cuda_on_host::QueueWork;
using cuda_on_host::Registered;
using cuda_on_host::Turn;

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
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t*, int) { return cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void*) {
  const Turn turn;
  if (attribute == cudaMemPoolAttrUsedMemHigh) Memory().held_high = Memory().held;
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  const Turn turn;
  // What is freed is given back at once.
  *static_cast<uint64_t*>(value) =
      attribute == cudaMemPoolAttrUsedMemHigh ? Memory().held_high : Memory().held;
  return cudaSuccess;
}

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
  device.held += bytes;
  device.held_high = std::max(device.held_high, device.held);
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
  Memory().held -= found->second.bytes;
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
