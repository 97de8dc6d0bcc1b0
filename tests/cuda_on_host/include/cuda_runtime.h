// A stand-in for the CUDA runtime, as much of it as quadhop uses: kernels run on the host.
//
// Compiled against these headers, the .cu files are plain C++. A kernel runs block after block, the
// threads of a block as fibers that change over at barriers and shuffles only. So races between
// threads are not found, nor anything about speed; but indices, barriers that not all threads
// reach, and reads of memory that nobody wrote (it is NaN) are. Device memory can be touched by
// kernels and copies only. Behind each block stands a page of 0xFF (NaN, or -1): what a kernel
// writes there is found when the block is freed.
//
// What is queued on a stream is done as late as can be: when the host waits for the stream, or when
// a stream that it waits for has come to a wait for an event, up to that event. So one stream that
// uses what another makes, with no event between them, finds the memory as it was before; a copy
// finds the host's memory as it is then, locked or not. A stream that must not run ahead of another
// is found in this order only if the host waits for it first, but is in others: StreamsAtRandom.
//
// A capture of streams into a graph ends the process for what CUDA refuses (waits for the device
// and for events from before, streams that are not joined in the end) and for what quadhop promises
// not to do (memory that is taken and not freed, or freed and not taken). A launched graph keeps
// the order within each captured stream and between them what events ask for.
#pragma once

#include <math.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>

// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's.
#define __global__
#define __device__
#define __host__
#define __shared__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)

struct dim3 {
  dim3(unsigned width = 1) : x(width) {}  // NOLINT(google-explicit-constructor): as it is
  unsigned x, y = 1, z = 1;
};
struct uint3 {
  unsigned x = 0, y = 0, z = 0;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
extern thread_local uint3 threadIdx, blockIdx;
extern thread_local dim3 blockDim, gridDim;

struct CudaOnHostStream;
namespace cuda_on_host {

// Queues a kernel: body, once for each thread of each block.
void Launch(CudaOnHostStream* stream, unsigned blocks, unsigned threads, size_t shared_bytes,
            std::function<void()> body);
// Until all threads of the block, of the warp, or of its group of four have come so far.
void BlockBarrier();
void WarpBarrier();
void GroupBarrier();  // four warps
// What each lane of the warp passes, at most 32 bytes, in their order.
void Gather(const void* value, size_t bytes, void* of_lanes);
template <typename T>
std::array<T, 32> OfLanes(const T& value) {
  std::array<T, 32> of_lanes;
  Gather(&value, sizeof(T), of_lanes.data());
  return of_lanes;
}
// Queues work of another library, which may have to wait: when its turn has come, `done` is called,
// by any thread that asks for the stream, until it returns true.
void Queue(CudaOnHostStream* stream, std::function<bool()> done);
// Such work may touch device memory from now on, until it returns.
void OpenMemory();
// How many operations were queued on a stream so far.
int64_t NumQueued(CudaOnHostStream* stream);
// While it lives, streams are served at random while the host waits for one: others than those that
// it waits for, too, and as early as may be. Else these as late as may be.
class StreamsAtRandom {
 public:
  explicit StreamsAtRandom(uint64_t seed);
  ~StreamsAtRandom();
};
// The n-th allocation of device memory from now on fails. 0: none does.
void FailAllocation(int64_t n);
// How often the host has waited for a stream.
int64_t NumWaits();
// A bug of what uses the device: ends the process.
[[noreturn]] void Bug(const char* what);
inline void Check(bool holds, const char* what) {
  if (!holds) Bug(what);
}

}  // namespace cuda_on_host

inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline void __syncthreads() { cuda_on_host::BlockBarrier(); }
inline void __syncwarp() { cuda_on_host::WarpBarrier(); }
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask) {
  if (mask != 0xFFFFFFFFu) cuda_on_host::Bug("a shuffle of part of a warp");
  return cuda_on_host::OfLanes(value)[(threadIdx.x ^ static_cast<unsigned>(lane_mask)) % 32];
}
template <typename T>
T __shfl_sync(unsigned mask, T value, int lane) {
  if (mask != 0xFFFFFFFFu) cuda_on_host::Bug("a shuffle of part of a warp");
  return cuda_on_host::OfLanes(value)[static_cast<unsigned>(lane)];
}

inline unsigned __ballot_sync(unsigned mask, bool holds) {
  if (mask != 0xFFFFFFFFu) cuda_on_host::Bug("a ballot of part of a warp");
  const std::array<bool, 32> lanes = cuda_on_host::OfLanes(holds);
  unsigned bits = 0;
  for (unsigned lane = 0; lane < 32; ++lane) bits |= unsigned{lanes[lane]} << lane;
  return bits;
}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }

// Threads change over at barriers only, so that any operation is atomic.
template <typename T>
T atomicAdd(T* at, T value) {
  return std::exchange(*at, *at + value);
}
template <typename T>
T atomicMin(T* at, T value) {
  return std::exchange(*at, value < *at ? value : *at);
}
template <typename T>
T atomicCAS(T* at, T expected, T value) {
  return std::exchange(*at, *at == expected ? value : *at);
}

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorNotReady = 600,
  cudaErrorHostMemoryAlreadyRegistered = 712,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};
enum cudaMemoryType { cudaMemoryTypeUnregistered = 0, cudaMemoryTypeDevice = 2 };
struct cudaPointerAttributes {
  cudaMemoryType type;
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaMemPoolAttr {
  cudaMemPoolAttrReleaseThreshold = 4,
  cudaMemPoolAttrReservedMemCurrent = 5,
  cudaMemPoolAttrUsedMemCurrent = 7,
  cudaMemPoolAttrUsedMemHigh = 8
};
inline constexpr unsigned cudaStreamNonBlocking = 1;
using cudaStream_t = CudaOnHostStream*;
inline constexpr unsigned cudaEventDisableTiming = 2;
using cudaEvent_t = struct CudaOnHostEvent*;
using cudaMemPool_t = struct CudaOnHostPool*;
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };
using cudaGraph_t = struct CudaOnHostGraph*;
using cudaGraphExec_t = struct CudaOnHostGraphExec*;
constexpr unsigned long long cudaGraphInstantiateFlagUseNodePriority = 8;
struct cudaUUID_t {
  char bytes[16];
};
struct cudaDeviceProp {
  char name[256];
  cudaUUID_t uuid;
  int major, minor;
  size_t sharedMemPerBlockOptin;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

const char* cudaGetErrorName(cudaError_t code);
const char* cudaGetErrorString(cudaError_t code);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory);
cudaError_t cudaGetLastError();
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                              size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaDeviceGraphMemTrim(int device);
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaMemset2DAsync(void* memory, size_t pitch, int value, size_t width, size_t height,
                              cudaStream_t stream);
// Of memory that the host keeps and kernels read, which is any.
inline constexpr unsigned cudaHostRegisterMapped = 2, cudaHostRegisterReadOnly = 8;
cudaError_t cudaHostRegister(void* memory, size_t bytes, unsigned flags);
cudaError_t cudaHostUnregister(void* memory);
cudaError_t cudaHostGetDevicePointer(void** seen, void* memory, unsigned flags);
cudaError_t cudaMallocHost(void** memory, size_t bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  std::tuple<Parameters...> all(std::forward<Arguments>(arguments)...);
  cuda_on_host::Launch(config->stream, config->gridDim.x, config->blockDim.x,
                       config->dynamicSmemBytes,
                       [kernel, all = std::move(all)] { std::apply(kernel, all); });
  return cudaSuccess;
}
// NOLINTEND(bugprone-reserved-identifier)
