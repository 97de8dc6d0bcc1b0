// Streams, events and graphs of the stand-in for CUDA.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "tests/cuda_on_host/cuda_stand_in.h"

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

// Of the operations on a stream, or in its branch of a graph.
int64_t NumAppended(const CudaOnHostStream::Queue& queue) {
  return queue.graph == nullptr ? queue.end()
                                : static_cast<int64_t>(queue.graph->branches[queue.branch].size());
}

}  // namespace

void Append(CudaOnHostStream* stream, std::function<bool()> done) {
  Check(stream != nullptr, "work on the default stream");
  CudaOnHostStream::Queue& queue = *stream->queue;
  if (queue.graph != nullptr) {
    queue.graph->CheckThread();
    queue.graph->branches[queue.branch].push_back({std::move(done), 0, 0});
  } else {
    queue.operations.push_back(std::move(done));
  }
}

void Graph::CheckThread() const {
  Check(thread == std::this_thread::get_id(), "two threads add to one capture");
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
using cuda_on_host::Check;
using cuda_on_host::QueueWork;
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

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorName(cudaError_t) { return "cudaError"; }
const char* cudaGetErrorString(cudaError_t) { return "an error of CUDA on the host"; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = kDevices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return device < kDevices ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const char* const kilobytes = std::getenv("CUDA_ON_HOST_SHARED_KB");
  const size_t shared_kilobytes = kilobytes == nullptr ? 227 : std::strtoul(kilobytes, nullptr, 10);
  *properties = {"the host", {{static_cast<char>(device)}}, 9, 0, shared_kilobytes << 10};
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
    queue.graph->CheckThread();
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
  Check(!cuda_on_host::KeepsMemory(captured.get()), "memory is taken in a capture and kept");
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
cudaError_t cudaDeviceGraphMemTrim(int) { return cudaSuccess; }

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }
