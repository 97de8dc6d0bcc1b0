// Kernels of the stand-in for CUDA: the threads of a block are fibers.
//
// Fibers jump between stacks, which the checked longjmp takes for a mistake.
#undef _FORTIFY_SOURCE
#include <setjmp.h>
#include <ucontext.h>

#include <memory>
#include <utility>
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

void Run(unsigned blocks, unsigned threads, size_t shared_bytes,
         const std::function<void()>& body) {
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

}  // namespace

void Launch(CudaOnHostStream* stream, unsigned blocks, unsigned threads, size_t shared_bytes,
            std::function<void()> body) {
  Check(threads % kWarp == 0, "a block of parts of warps");
  Check(shared_bytes <= sizeof(quadhop::cuda::shared_memory), "too much shared memory");
  Queue(stream, [=, body = std::move(body)] {
    OpenMemory();
    Run(blocks, threads, shared_bytes, body);
    return true;
  });
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
