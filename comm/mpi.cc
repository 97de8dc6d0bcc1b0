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
// threads often share cores, and a rank that polls would hold up the very peer it waits for. Pauses
// grow with the wait, of which they can thus add an eighth: a thread that waits in the background
// for a rank that is still computing takes little of its own rank's core.
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
      std::this_thread::sleep_for(
          absl::ToChronoMicroseconds(std::min(elapsed / 8, absl::Microseconds(500))));
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

absl::Status Cancelled(absl::string_view operation) {
  return absl::AbortedError(absl::StrCat(operation, ": this rank gave it up"));
}

// The point-to-point messages of one AllToAllV.
//
// A message of at most kShortBytes goes as it is. A longer one goes as its size and then its
// chunks, which the receiver posts only when the size is what it expects: Open MPI 4.1 writes past
// the end of a receive buffer that a long message does not fit in (seen with the shared-memory
// transport). A short message that does not fit is cut off by MPI, and reported. Messages of one
// pair of ranks arrive in the order sent, so calls need no tags of their own.
class Exchange {
 public:
  Exchange(MPI_Comm comm, int32_t num_ranks, absl::string_view operation, int64_t chunk_bytes)
      : comm_(comm),
        operation_(operation),
        chunk_bytes_(chunk_bytes),
        sent_sizes_(static_cast<size_t>(num_ranks)),
        received_sizes_(static_cast<size_t>(num_ranks)) {}
  ~Exchange() { TakeBack(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  absl::Status Receive(int32_t peer, void* data, int64_t num_bytes) {
    const Post post{peer, Post::kFirstReceive, static_cast<char*>(data), num_bytes};
    if (num_bytes <= kShortBytes) return StartReceive(post, data, num_bytes, MPI_ANY_TAG);
    int64_t& size = received_sizes_[static_cast<size_t>(peer)];
    return StartReceive(post, &size, sizeof(size), MPI_ANY_TAG);
  }

  absl::Status Send(int32_t peer, const void* data, int64_t num_bytes) {
    if (num_bytes <= kShortBytes) return StartSend(peer, data, num_bytes, kShortTag);
    int64_t& size = sent_sizes_[static_cast<size_t>(peer)];
    size = num_bytes;
    QH_RETURN_IF_ERROR(StartSend(peer, &size, sizeof(size), kSizeTag));
    const int64_t chunk_bytes = ChunkBytes(num_bytes);
    for (int64_t begin = 0; begin < num_bytes; begin += chunk_bytes)
      QH_RETURN_IF_ERROR(StartSend(peer, static_cast<const char*>(data) + begin,
                                   std::min(chunk_bytes, num_bytes - begin), kChunkTag));
    return absl::OkStatus();
  }

  absl::Status Wait(absl::Duration deadline, const std::atomic<bool>& cancelled) {
    const Backoff backoff(deadline);
    while (num_pending_ > 0) {
      int num_done = 0;
      QH_RETURN_IF_ERROR(Progress(num_done));
      if (num_done > 0) continue;
      if (cancelled) return Cancelled(operation_);
      if (backoff.Expired()) return DeadlineError(deadline);
      backoff.Pause();
    }
    return absl::OkStatus();
  }

 private:
  // What a request is for.
  struct Post {
    int32_t peer;
    enum { kFirstReceive, kChunkReceive, kSend } kind;
    char* data;         // of a first receive: where the whole message goes
    int64_t num_bytes;  // of the whole message, or of the chunk
  };

  // Of a message of so many bytes: short ones where it is not too long to be kept by MPI until it
  // is received, so that it need not ask the receiver first.
  int64_t ChunkBytes(int64_t message_bytes) const {
    return message_bytes <= kKeptBytes ? std::min(chunk_bytes_, kKeptChunkBytes) : chunk_bytes_;
  }

  absl::Status StartReceive(const Post& post, void* data, int64_t num_bytes, int tag) {
    MPI_Request request = MPI_REQUEST_NULL;
    QH_RETURN_IF_ERROR(MpiStatus(
        MPI_Irecv(data, static_cast<int>(num_bytes), MPI_BYTE, post.peer, tag, comm_, &request),
        "MPI_Irecv"));
    Add(request, post);
    return absl::OkStatus();
  }

  absl::Status StartSend(int32_t peer, const void* data, int64_t num_bytes, int tag) {
    MPI_Request request = MPI_REQUEST_NULL;
    QH_RETURN_IF_ERROR(MpiStatus(
        MPI_Isend(data, static_cast<int>(num_bytes), MPI_BYTE, peer, tag, comm_, &request),
        "MPI_Isend"));
    Add(request, {peer, Post::kSend, nullptr, num_bytes});
    return absl::OkStatus();
  }

  void Add(MPI_Request request, const Post& post) {
    requests_.push_back(request);
    posts_.push_back(post);
    ++num_pending_;
  }

  // One poll: takes note of the num_done requests that have completed.
  absl::Status Progress(int& num_done) {
    done_.resize(requests_.size());
    statuses_.resize(requests_.size());
    const int code = MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &num_done,
                                  done_.data(), statuses_.data());
    if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) return MpiStatus(code, "MPI_Testsome");
    for (size_t i = 0; i < static_cast<size_t>(num_done); ++i) {
      // Only set when some request failed.
      const int error = code == MPI_SUCCESS ? MPI_SUCCESS : statuses_[i].MPI_ERROR;
      const Post post = posts_[static_cast<size_t>(done_[i])];
      --num_pending_;
      QH_RETURN_IF_ERROR(Complete(post, error, statuses_[i]));
    }
    return absl::OkStatus();
  }

  absl::Status Complete(const Post& post, int error, const MPI_Status& status) {
    int error_class = MPI_SUCCESS;
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Error_class(error, &error_class), "MPI_Error_class"));
    const bool cut_off = error_class == MPI_ERR_TRUNCATE;
    if (error != MPI_SUCCESS && !cut_off)
      return absl::InternalError(absl::StrCat(operation_, ": ",
                                              post.kind == Post::kSend ? "to" : "from", " rank ",
                                              post.peer, ": ", MpiErrorText(error)));
    if (post.kind == Post::kSend) return absl::OkStatus();
    int count = 0;
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count"));
    if (post.kind == Post::kFirstReceive && post.num_bytes > kShortBytes) {
      if (cut_off || status.MPI_TAG != kSizeTag) return SizeError(post, "fewer");
      return ReceiveChunks(post);
    }
    if (cut_off || status.MPI_TAG == kSizeTag) return SizeError(post, "more");
    if (count != post.num_bytes) return SizeError(post, absl::StrCat(count));
    return absl::OkStatus();
  }

  absl::Status ReceiveChunks(const Post& first) {
    const int64_t size = received_sizes_[static_cast<size_t>(first.peer)];
    if (size != first.num_bytes) return SizeError(first, absl::StrCat(size));
    const int64_t chunk_bytes = ChunkBytes(size);
    for (int64_t begin = 0; begin < size; begin += chunk_bytes) {
      const Post chunk{first.peer, Post::kChunkReceive, first.data + begin,
                       std::min(chunk_bytes, size - begin)};
      QH_RETURN_IF_ERROR(StartReceive(chunk, chunk.data, chunk.num_bytes, kChunkTag));
    }
    return absl::OkStatus();
  }

  // What a failed exchange left pending must not write to the caller's buffers later: receives that
  // have met no message are cancelled, and those under way get a moment to end. Sends cannot be
  // cancelled. The exchange has failed already, so there is nothing to report these codes to.
  void TakeBack() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      if (requests_[i] == MPI_REQUEST_NULL) continue;
      if (posts_[i].kind == Post::kSend) {
        static_cast<void>(MPI_Request_free(&requests_[i]));
      } else {
        static_cast<void>(MPI_Cancel(&requests_[i]));
      }
    }
    const Backoff backoff(absl::Milliseconds(200));
    for (size_t i = 0; i < requests_.size(); ++i) {
      int done = 0;
      while (requests_[i] != MPI_REQUEST_NULL && done == 0 && !backoff.Expired()) {
        if (MPI_Test(&requests_[i], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) break;
        if (done == 0) backoff.Pause();
      }
      if (requests_[i] != MPI_REQUEST_NULL) static_cast<void>(MPI_Request_free(&requests_[i]));
    }
  }

  absl::Status SizeError(const Post& post, absl::string_view got) const {
    return absl::InvalidArgumentError(
        absl::StrCat(operation_, ": rank ", post.peer, " sent ", got, " bytes where ",
                     post.num_bytes, " were expected; sender and receiver must agree on sizes"));
  }

  absl::Status DeadlineError(absl::Duration deadline) const {
    std::vector<int32_t> silent;
    for (size_t i = 0; i < requests_.size(); ++i)
      if (requests_[i] != MPI_REQUEST_NULL) silent.push_back(posts_[i].peer);
    std::sort(silent.begin(), silent.end());
    silent.erase(std::unique(silent.begin(), silent.end()), silent.end());
    return absl::DeadlineExceededError(
        absl::StrCat(operation_, ": waited ", absl::ToDoubleSeconds(deadline), " s for rank ",
                     absl::StrJoin(silent, ", "),
                     "; see what held it up, or raise train.collective_deadline_seconds"));
  }

  // Below every transport's eager limit, so that a short message never waits for its receiver.
  static constexpr int64_t kShortBytes = 1024;
  static constexpr int64_t kKeptBytes = int64_t{1} << 20;
  static constexpr int64_t kKeptChunkBytes =
      60'000;  // below TCP's eager limit, 64 KiB with headers
  static constexpr int kShortTag = 0;
  static constexpr int kSizeTag = 1;
  static constexpr int kChunkTag = 2;

  const MPI_Comm comm_;
  const absl::string_view operation_;
  const int64_t chunk_bytes_;
  std::vector<int64_t> sent_sizes_;      // [R], of long messages
  std::vector<int64_t> received_sizes_;  // [R]
  std::vector<MPI_Request> requests_;
  std::vector<Post> posts_;  // what each request is for
  size_t num_pending_ = 0;
  std::vector<int> done_;  // scratch of Progress
  std::vector<MPI_Status> statuses_;
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

  void Cancel() override { cancelled_ = true; }

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
    if (cancelled_) return Cancelled(operation);
    Exchange exchange(comm_, num_ranks_, operation, chunk_bytes_);
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
    return exchange.Wait(deadline_, cancelled_);
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
  std::atomic<bool> cancelled_{false};
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

std::string MpiLibraryVersion() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return "MPI";
  const std::string version(text, static_cast<size_t>(length));
  return version.substr(0, version.find_first_of(",\n"));
}

}  // namespace quadhop
