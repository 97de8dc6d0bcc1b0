#include <atomic>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "nccl.h"
#include "tests/cuda_on_host/nccl_faults.h"

namespace {

using Bytes = std::vector<unsigned char>;

// What the ranks of one communicator share.
struct Job {
  std::mutex mutex;
  std::map<std::pair<int, int>, std::deque<Bytes>> sent;        // by sender and receiver
  std::map<int64_t, std::vector<std::vector<float>>> summands;  // by number of the sum
};

std::mutex jobs_mutex;
std::map<std::string, std::shared_ptr<Job>> jobs;  // by the id's text

Bytes CopyOf(const void* data, size_t bytes) {
  cuda_on_host::OpenMemory();
  const auto* first = static_cast<const unsigned char*>(data);
  return {first, first + bytes};
}

void Write(const void* from, size_t bytes, void* to) {
  cuda_on_host::OpenMemory();
  std::memcpy(to, from, bytes);
}

// What a thread queues between begin and end of a group goes on at the same time.
using Operations = std::vector<std::function<bool()>>;
thread_local bool in_group = false;
thread_local std::map<cudaStream_t, Operations> group;

void Queue(cudaStream_t stream, std::function<bool()> done) {
  if (!in_group) return cuda_on_host::Queue(stream, std::move(done));
  group[stream].push_back(std::move(done));
}

}  // namespace

struct NcclOnHostComm {
  std::shared_ptr<Job> job;
  int rank, num_ranks;
  int64_t num_sums = 0;
  std::shared_ptr<std::atomic<bool>> ended = std::make_shared<std::atomic<bool>>(false);
};

const char* ncclGetErrorString(ncclResult_t) { return "an error of NCCL on the host"; }
const char* ncclGetLastError(ncclComm_t) { return ""; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static int number = 0;
  const std::scoped_lock lock(jobs_mutex);
  *id = {};
  std::snprintf(id->internal, sizeof(id->internal), "%d", ++number);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int num_ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t*) {
  const std::scoped_lock lock(jobs_mutex);
  std::shared_ptr<Job>& job = jobs[id.internal];
  if (job == nullptr) job = std::make_shared<Job>();
  *comm = new NcclOnHostComm{job, rank, num_ranks};
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* error) {
  *error = ncclSuccess;
  if (nccl_on_host::faults.fails)
    *error = ncclInternalError;
  else if (nccl_on_host::faults.polls_in_progress > 0) {
    --nccl_on_host::faults.polls_in_progress;
    *error = ncclInProgress;
  }
  return ncclSuccess;
}
ncclResult_t ncclCommFinalize(ncclComm_t) { return ncclSuccess; }
ncclResult_t ncclCommDestroy(ncclComm_t comm) { return ncclCommAbort(comm); }
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  *comm->ended = true;
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclGroupStart() {
  in_group = true;
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd() {
  in_group = false;
  for (auto& [stream, operations] : std::exchange(group, {}))
    Queue(stream, [left = std::move(operations)]() mutable {
      std::erase_if(left, [](const std::function<bool()>& done) { return done(); });
      return left.empty();
    });
  return ncclSuccess;
}

ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  Queue(stream, [=, job = comm->job, rank = comm->rank, ended = comm->ended] {
    if (*ended || nccl_on_host::faults.loses_messages) return true;
    Bytes bytes = CopyOf(data, count);
    const std::scoped_lock lock(job->mutex);
    job->sent[{rank, peer}].push_back(std::move(bytes));
    return true;
  });
  return ncclSuccess;
}

ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  Queue(stream, [=, job = comm->job, rank = comm->rank, ended = comm->ended] {
    if (*ended) return true;
    Bytes bytes;
    {
      const std::scoped_lock lock(job->mutex);
      std::deque<Bytes>& messages = job->sent[{peer, rank}];
      if (messages.empty()) return false;
      bytes = std::move(messages.front());
      messages.pop_front();
    }
    if (bytes.size() != count) cuda_on_host::Bug("NCCL was given sizes that do not agree");
    Write(bytes.data(), count, data);
    return true;
  });
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t,
                           ncclRedOp_t, ncclComm_t comm, cudaStream_t stream) {
  const int64_t number = comm->num_sums++;
  const auto rank = static_cast<size_t>(comm->rank);
  const auto num_ranks = static_cast<size_t>(comm->num_ranks);
  Queue(stream, [=, job = comm->job, ended = comm->ended] {
    if (*ended) return true;
    std::vector<float> mine(count);
    const Bytes bytes = CopyOf(send, count * sizeof(float));
    std::memcpy(mine.data(), bytes.data(), bytes.size());
    const std::scoped_lock lock(job->mutex);
    auto& summands = job->summands[number];
    summands.resize(num_ranks);
    summands[rank] = std::move(mine);
    return true;
  });
  Queue(stream, [=, job = comm->job, ended = comm->ended] {
    if (*ended) return true;
    std::vector<float> sum(count);
    {
      const std::scoped_lock lock(job->mutex);
      for (const std::vector<float>& summand : job->summands[number]) {
        if (summand.empty()) return false;
        for (size_t i = 0; i < count; ++i) sum[i] += summand[i];
      }
    }
    Write(sum.data(), count * sizeof(float), receive);
    return true;
  });
  return ncclSuccess;
}
