// What the parts of the stand-in for CUDA share: the turns of its device, its memory as kernels and
// streams see it, and what is queued on streams.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "cuda_runtime.h"

namespace cuda_on_host {

// The device does one thing at a time, for one thread: while a Turn lives. After it nobody can
// touch device memory.
class Turn {
 public:
  Turn();
  ~Turn();

 private:
  const std::scoped_lock<std::mutex> lock_;
};

struct Graph;
// Whether it has taken memory in its capture that it has not freed.
bool KeepsMemory(const Graph* graph);
// Gives back what the graph, which goes, takes at each launch.
void FreeBlocksOf(const Graph* graph);

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
  ~Graph() { FreeBlocksOf(this); }
  // What the first `end` operations of a branch wait for, they counted in.
  void Reach(size_t branch, int64_t end, std::vector<int64_t>* reached) const;

  // Ends the test where another thread adds to it than began it: CUDA does not say that threads may
  // do so at the same time.
  void CheckThread() const;

  int64_t capture;
  const std::thread::id thread = std::this_thread::get_id();
  std::vector<Branch> branches;  // of the stream that the capture began with first
  std::vector<std::shared_ptr<CudaOnHostStream::Queue>> captured;  // while the capture goes on
};

// Queues an operation, or has it captured.
void Append(CudaOnHostStream* stream, std::function<bool()> done);
// The same of work on device memory, which cannot fail.
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

}  // namespace cuda_on_host
