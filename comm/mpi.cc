#include "comm/mpi.h"

#define OMPI_SKIP_MPICXX 1
#include <absl/strings/str_join.h>
#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/status.h"

namespace quadhop {
namespace {

std::string MpiErrorText(int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) return absl::StrCat("MPI error ", code);
  return std::string(text, static_cast<size_t>(length));
}

absl::Status MpiStatus(int code, absl::string_view call) {
  if (code == MPI_SUCCESS) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(call, ": ", MpiErrorText(code)));
}

// Waits between polls. Short waits spin; longer ones give the core away, for ranks and their
// threads often share cores, and a rank that polls would hold up the very peer it waits for.
class Backoff {
 public:
  explicit Backoff(absl::Duration deadline) : deadline_(deadline) {}

  bool Expired() const { return Elapsed() > deadline_; }
  void Pause() const {
    const absl::Duration elapsed = Elapsed();
    if (elapsed < absl::Microseconds(5)) return;
    if (elapsed < absl::Microseconds(300)) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(30));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  absl::Duration Elapsed() const { return absl::FromChrono(Clock::now() - start_); }
  const absl::Duration deadline_;
  const Clock::time_point start_ = Clock::now();
};

// What the runtime and its communicators share. Thread-safe.
struct Job {
  std::atomic<bool> broken{false};
  std::atomic<bool> aborting{false};
};

// The point-to-point requests of one AllToAllV. Every MPI_Irecv and MPI_Isend is of one chunk; a
// message is as many full chunks as fit and one shorter, possibly empty, chunk. So sizes that do
// not agree show at the receiver as a chunk of the wrong size, never as one too few.
class Exchange {
 public:
  Exchange(MPI_Comm comm, absl::string_view operation, int64_t chunk_bytes)
      : comm_(comm), operation_(operation), chunk_bytes_(chunk_bytes) {}
  // Takes back what a failed exchange left pending: receives that have met no message. A send
  // cannot be taken back.
  ~Exchange() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      if (requests_[i] == MPI_REQUEST_NULL) continue;
      // The exchange has failed already; nothing is left to report these codes to.
      if (chunks_[i].receive) static_cast<void>(MPI_Cancel(&requests_[i]));
      static_cast<void>(MPI_Request_free(&requests_[i]));
    }
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  absl::Status Receive(int32_t peer, void* data, int64_t num_bytes) {
    return Post(peer, static_cast<char*>(data), num_bytes, true);
  }
  absl::Status Send(int32_t peer, const void* data, int64_t num_bytes) {
    return Post(peer, static_cast<char*>(const_cast<void*>(data)), num_bytes, false);
  }

  absl::Status Wait(absl::Duration deadline) {
    const int num_requests = static_cast<int>(requests_.size());
    std::vector<int> done(requests_.size());
    std::vector<MPI_Status> statuses(requests_.size());
    size_t num_pending = requests_.size();
    const Backoff backoff(deadline);
    while (num_pending > 0) {
      int num_done = 0;
      const int code =
          MPI_Testsome(num_requests, requests_.data(), &num_done, done.data(), statuses.data());
      if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) return MpiStatus(code, "MPI_Testsome");
      for (int i = 0; i < num_done; ++i) {
        MPI_Status& status = statuses[static_cast<size_t>(i)];
        if (code == MPI_SUCCESS) status.MPI_ERROR = MPI_SUCCESS;
        QH_RETURN_IF_ERROR(
            CheckDone(chunks_[static_cast<size_t>(done[static_cast<size_t>(i)])], status));
        --num_pending;
      }
      if (num_done > 0) continue;
      if (backoff.Expired()) return DeadlineError(deadline);
      backoff.Pause();
    }
    return absl::OkStatus();
  }

 private:
  struct Chunk {
    int32_t peer;
    int num_bytes;
    bool receive;
  };

  absl::Status Post(int32_t peer, char* data, int64_t num_bytes, bool receive) {
    for (int64_t begin = 0; begin <= num_bytes; begin += chunk_bytes_) {
      const int count = static_cast<int>(std::min(chunk_bytes_, num_bytes - begin));
      char* const chunk = data == nullptr ? nullptr : data + begin;
      MPI_Request request = MPI_REQUEST_NULL;
      if (receive) {
        QH_RETURN_IF_ERROR(
            MpiStatus(MPI_Irecv(chunk, count, MPI_BYTE, peer, kTag, comm_, &request), "MPI_Irecv"));
      } else {
        QH_RETURN_IF_ERROR(
            MpiStatus(MPI_Isend(chunk, count, MPI_BYTE, peer, kTag, comm_, &request), "MPI_Isend"));
      }
      requests_.push_back(request);
      chunks_.push_back({peer, count, receive});
    }
    return absl::OkStatus();
  }

  absl::Status CheckDone(const Chunk& chunk, const MPI_Status& status) const {
    if (status.MPI_ERROR != MPI_SUCCESS) {
      int error_class = MPI_ERR_OTHER;
      QH_RETURN_IF_ERROR(
          MpiStatus(MPI_Error_class(status.MPI_ERROR, &error_class), "MPI_Error_class"));
      if (error_class == MPI_ERR_TRUNCATE) return SizeError(chunk, "more");
      return absl::InternalError(absl::StrCat(operation_, ": ", chunk.receive ? "from" : "to",
                                              " rank ", chunk.peer, ": ",
                                              MpiErrorText(status.MPI_ERROR)));
    }
    if (!chunk.receive) return absl::OkStatus();
    int count = 0;
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count"));
    if (count != chunk.num_bytes) return SizeError(chunk, absl::StrCat(count));
    return absl::OkStatus();
  }

  absl::Status SizeError(const Chunk& chunk, absl::string_view got) const {
    return absl::InvalidArgumentError(
        absl::StrCat(operation_, ": rank ", chunk.peer, " sent ", got, " bytes where ",
                     chunk.num_bytes, " were expected; sender and receiver must agree on sizes"));
  }

  absl::Status DeadlineError(absl::Duration deadline) const {
    std::vector<int32_t> silent;
    for (size_t i = 0; i < requests_.size(); ++i)
      if (requests_[i] != MPI_REQUEST_NULL) silent.push_back(chunks_[i].peer);
    std::sort(silent.begin(), silent.end());
    silent.erase(std::unique(silent.begin(), silent.end()), silent.end());
    return absl::DeadlineExceededError(
        absl::StrCat(operation_, ": waited ", absl::ToDoubleSeconds(deadline), " s for rank ",
                     absl::StrJoin(silent, ", "),
                     "; see what held it up, or raise train.collective_deadline_seconds"));
  }

  // Messages of one pair of ranks arrive in the order sent, so calls need no tags of their own.
  static constexpr int kTag = 0;

  const MPI_Comm comm_;
  const absl::string_view operation_;
  const int64_t chunk_bytes_;
  std::vector<MPI_Request> requests_;
  std::vector<Chunk> chunks_;  // what each request is for
};

class MpiCommunicator : public Communicator {
 public:
  // A duplicate of `comm`. Collective.
  static absl::StatusOr<std::unique_ptr<Communicator>> DuplicateOf(MPI_Comm comm,
                                                                   std::shared_ptr<Job> job,
                                                                   absl::Duration deadline,
                                                                   int64_t chunk_bytes) {
    MPI_Comm duplicate = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_idup(comm, &duplicate, &request), "MPI_Comm_idup"));
    QH_RETURN_IF_ERROR(WaitForAll(request, "duplicate a communicator", deadline));
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_set_errhandler(duplicate, MPI_ERRORS_RETURN),
                                 "MPI_Comm_set_errhandler"));
    int rank = 0;
    int num_ranks = 0;
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_rank(duplicate, &rank), "MPI_Comm_rank"));
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_size(duplicate, &num_ranks), "MPI_Comm_size"));
    return std::unique_ptr<Communicator>(new MpiCommunicator(duplicate, std::move(job), Rank(rank),
                                                             num_ranks, deadline, chunk_bytes));
  }

  ~MpiCommunicator() override {
    if (job_->broken) return;  // freeing is collective, and a peer may be gone
    QH_CHECK_EQ(MPI_Comm_free(&comm_), MPI_SUCCESS);
  }

  Rank rank() const override { return rank_; }
  int32_t num_ranks() const override { return num_ranks_; }

  void Abort(absl::string_view why) override {
    if (!job_->aborting.exchange(true)) {
      std::fprintf(stderr, "quadhop: rank %d ends the job: %.*s\n", rank_.value(),
                   static_cast<int>(why.size()), why.data());
      std::fflush(stderr);
    }
    if (MPI_Abort(MPI_COMM_WORLD, 1) != MPI_SUCCESS) std::abort();
  }

 protected:
  absl::Status DoAllToAllV(absl::string_view operation,
                           absl::Span<const Message> messages) override {
    return Watch(Transfer(operation, messages));
  }

  absl::Status DoAllReduceSum(absl::string_view operation, absl::Span<float> values) override {
    return Watch(Reduce(operation, values));
  }

  absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() override {
    // The barrier's error names the ranks that are missing.
    QH_RETURN_IF_ERROR(Barrier("duplicate a communicator"));
    auto duplicate = DuplicateOf(comm_, job_, deadline_, chunk_bytes_);
    QH_RETURN_IF_ERROR(Watch(duplicate.status()));
    return duplicate;
  }

 private:
  MpiCommunicator(MPI_Comm comm, std::shared_ptr<Job> job, Rank rank, int32_t num_ranks,
                  absl::Duration deadline, int64_t chunk_bytes)
      : comm_(comm),
        job_(std::move(job)),
        rank_(rank),
        num_ranks_(num_ranks),
        deadline_(deadline),
        chunk_bytes_(chunk_bytes) {}

  absl::Status Watch(absl::Status status) {
    if (!status.ok()) job_->broken = true;
    return status;
  }

  absl::Status Transfer(absl::string_view operation, absl::Span<const Message> messages) {
    Exchange exchange(comm_, operation, chunk_bytes_);
    // Ranks start at different peers, so that not all send to rank 0 first.
    for (int32_t distance = 1; distance < num_ranks_; ++distance) {
      const int32_t peer = (rank_.value() + num_ranks_ - distance) % num_ranks_;
      const Message& m = messages[static_cast<size_t>(peer)];
      QH_RETURN_IF_ERROR(exchange.Receive(peer, m.receive, m.receive_bytes));
    }
    for (int32_t distance = 1; distance < num_ranks_; ++distance) {
      const int32_t peer = (rank_.value() + distance) % num_ranks_;
      const Message& m = messages[static_cast<size_t>(peer)];
      QH_RETURN_IF_ERROR(exchange.Send(peer, m.send, m.send_bytes));
    }
    const Message& own = messages[static_cast<size_t>(rank_.value())];
    if (own.send_bytes > 0) std::memcpy(own.receive, own.send, static_cast<size_t>(own.send_bytes));
    return exchange.Wait(deadline_);
  }

  absl::Status Reduce(absl::string_view operation, absl::Span<float> values) {
    QH_RETURN_IF_ERROR(AgreeOnSize(operation, static_cast<int64_t>(values.size())));
    const size_t chunk = static_cast<size_t>(chunk_bytes_) / sizeof(float);
    for (size_t begin = 0; begin < values.size(); begin += chunk) {
      const size_t count = std::min(chunk, values.size() - begin);
      MPI_Request request = MPI_REQUEST_NULL;
      QH_RETURN_IF_ERROR(
          MpiStatus(MPI_Iallreduce(MPI_IN_PLACE, values.data() + begin, static_cast<int>(count),
                                   MPI_FLOAT, MPI_SUM, comm_, &request),
                    "MPI_Iallreduce"));
      QH_RETURN_IF_ERROR(WaitForAll(request, operation, deadline_));
    }
    return absl::OkStatus();
  }

  // MPI_Iallreduce neither checks sizes nor tells who is missing: this trip before it does both.
  absl::Status AgreeOnSize(absl::string_view operation, int64_t size) {
    std::vector<int64_t> sizes(static_cast<size_t>(num_ranks_));
    std::vector<Message> messages;
    for (int64_t& theirs : sizes)
      messages.push_back({&size, sizeof(size), &theirs, sizeof(theirs)});
    QH_RETURN_IF_ERROR(Transfer(operation, messages));
    for (size_t r = 0; r < sizes.size(); ++r)
      if (sizes[r] != size)
        return absl::InvalidArgumentError(absl::StrCat(operation, ": rank ", rank_.value(),
                                                       " sums ", size, " values but rank ", r, " ",
                                                       sizes[r], "; these must be equal"));
    return absl::OkStatus();
  }

  // Of a collective of MPI's own.
  static absl::Status WaitForAll(MPI_Request request, absl::string_view operation,
                                 absl::Duration deadline) {
    const Backoff backoff(deadline);
    while (true) {
      int done = 0;
      QH_RETURN_IF_ERROR(MpiStatus(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test"));
      if (done != 0) return absl::OkStatus();
      if (backoff.Expired())
        return absl::DeadlineExceededError(
            absl::StrCat(operation, ": waited ", absl::ToDoubleSeconds(deadline),
                         " s for MPI to complete it over all ranks; see which rank died or hangs, "
                         "or raise train.collective_deadline_seconds"));
      backoff.Pause();
    }
  }

  MPI_Comm comm_;
  const std::shared_ptr<Job> job_;  // shared with the runtime, which reads it last
  const Rank rank_;
  const int32_t num_ranks_;
  const absl::Duration deadline_;
  const int64_t chunk_bytes_;
};

class RealMpiRuntime : public MpiRuntime {
 public:
  RealMpiRuntime(int32_t local_rank, int32_t num_local_ranks)
      : local_rank_(local_rank), num_local_ranks_(num_local_ranks) {}

  ~RealMpiRuntime() override {
    if (job_->broken) return;
    const int code = MPI_Finalize();
    if (code != MPI_SUCCESS)
      std::fprintf(stderr, "quadhop: MPI_Finalize failed with code %d\n", code);
  }

  absl::StatusOr<std::unique_ptr<Communicator>> World(absl::Duration deadline,
                                                      int64_t chunk_bytes) override {
    if (chunk_bytes < 4 || chunk_bytes > int64_t{1} << 30)
      return absl::InvalidArgumentError(
          absl::StrCat("MPI chunks of ", chunk_bytes, " bytes; allowed are 4 to 2^30"));
    auto world = MpiCommunicator::DuplicateOf(MPI_COMM_WORLD, job_, deadline, chunk_bytes);
    if (!world.ok()) job_->broken = true;
    return world;
  }

  int32_t local_rank() const override { return local_rank_; }
  int32_t num_local_ranks() const override { return num_local_ranks_; }

 private:
  const std::shared_ptr<Job> job_ = std::make_shared<Job>();
  const int32_t local_rank_;
  const int32_t num_local_ranks_;
};

absl::StatusOr<std::unique_ptr<MpiRuntime>> MakeRuntime(int provided) {
  if (provided != MPI_THREAD_MULTIPLE)
    return absl::FailedPreconditionError(absl::StrCat(
        "this MPI library gives thread level ", provided, "; quadhop needs MPI_THREAD_MULTIPLE (",
        MPI_THREAD_MULTIPLE, "): use an MPI built with thread support"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                               "MPI_Comm_set_errhandler"));
  MPI_Comm host = MPI_COMM_NULL;
  int local_rank = 0;
  int num_local_ranks = 0;
  QH_RETURN_IF_ERROR(
      MpiStatus(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
                "MPI_Comm_split_type"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_rank(host, &local_rank), "MPI_Comm_rank"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_size(host, &num_local_ranks), "MPI_Comm_size"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_free(&host), "MPI_Comm_free"));
  return std::make_unique<RealMpiRuntime>(local_rank, num_local_ranks);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MpiRuntime>> MpiRuntime::Create() {
  int initialized = 0;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Initialized(&initialized), "MPI_Initialized"));
  if (initialized != 0)
    return absl::FailedPreconditionError("MPI is initialised already; make one MpiRuntime only");
  int provided = MPI_THREAD_SINGLE;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided),
                               "MPI_Init_thread"));
  absl::StatusOr<std::unique_ptr<MpiRuntime>> runtime = MakeRuntime(provided);
  if (!runtime.ok()) QH_RETURN_IF_ERROR(MpiStatus(MPI_Finalize(), "MPI_Finalize"));
  return runtime;
}

}  // namespace quadhop
