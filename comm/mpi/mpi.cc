#include "comm/mpi/mpi.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "comm/collectives/backoff.h"
#include "comm/collectives/collective_errors.h"
#include "comm/mpi/mpi_exchange.h"
#include "comm/mpi/mpi_launcher.h"
#include "comm/mpi/mpi_status.h"
#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

// What the runtime and its communicators share. Thread-safe.
struct Job {
  std::atomic<bool> broken{false};
  std::atomic<bool> aborting{false};

  // Keeps what MPI may still write to, for a collective that was given up and cannot be cancelled.
  void Abandon(std::shared_ptr<void> written) {
    const std::lock_guard<std::mutex> lock(mutex);
    abandoned.push_back(std::move(written));
  }

 private:
  std::mutex mutex;  // guards the rest
  std::vector<std::shared_ptr<void>> abandoned;
};

class MpiCommunicator : public Communicator {
 public:
  // A duplicate of `comm`. Collective.
  static absl::StatusOr<std::unique_ptr<Communicator>> DuplicateOf(MPI_Comm comm,
                                                                   std::shared_ptr<Job> job,
                                                                   absl::Duration deadline,
                                                                   int64_t chunk_bytes) {
    const auto made = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
    MPI_Request request = MPI_REQUEST_NULL;
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_idup(comm, made.get(), &request), "MPI_Comm_idup"));
    QH_RETURN_IF_ERROR(WaitForAll(request, made, *job, "duplicate a communicator", deadline));
    MPI_Comm duplicate = *made;
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
    if (cancelled_) return GaveUpError(operation);
    MpiExchange exchange(comm_, num_ranks_, operation, chunk_bytes_);
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
      const absl::Span<float> part = values.subspan(begin, chunk);
      sums_->assign(part.begin(), part.end());
      MPI_Request request = MPI_REQUEST_NULL;
      QH_RETURN_IF_ERROR(
          MpiStatus(MPI_Iallreduce(MPI_IN_PLACE, sums_->data(), static_cast<int>(sums_->size()),
                                   MPI_FLOAT, MPI_SUM, comm_, &request),
                    "MPI_Iallreduce"));
      QH_RETURN_IF_ERROR(WaitForAll(request, sums_, *job_, operation, deadline_));
      std::copy(sums_->begin(), sums_->end(), part.begin());
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
    return CheckSumSizes(operation, rank_, sizes);
  }

  // Waits for a collective of MPI's own, which writes to `written`.
  static absl::Status WaitForAll(MPI_Request request, std::shared_ptr<void> written, Job& job,
                                 absl::string_view operation, absl::Duration deadline) {
    const Backoff backoff(deadline);
    while (true) {
      int done = 0;
      const absl::Status tested =
          MpiStatus(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (tested.ok() && done != 0) return absl::OkStatus();
      if (tested.ok() && !backoff.Expired()) {
        backoff.Pause();
        continue;
      }
      job.Abandon(std::move(written));
      QH_RETURN_IF_ERROR(tested);
      return DeadlineError(operation, deadline,
                           "MPI to complete it over all ranks; see which rank died or hangs");
    }
  }

  MPI_Comm comm_;
  const std::shared_ptr<Job> job_;  // shared with the runtime, which reads it last
  const Rank rank_;
  const int32_t num_ranks_;
  const absl::Duration deadline_;
  const int64_t chunk_bytes_;
  std::atomic<bool> cancelled_{false};
  // Of a chunk of a fast sum, kept from one to the next.
  const std::shared_ptr<std::vector<float>> sums_ = std::make_shared<std::vector<float>>();
};

// Ends the process if it lives longer than a deadline: MPI's begin and end have none, and cannot be
// interrupted.
class EndsInTime {
 public:
  EndsInTime(const char* call, absl::Duration deadline) {
    const auto wait = [ended = ended_.get_future().share(), call, deadline] {
      if (ended.wait_for(absl::ToChronoNanoseconds(deadline)) == std::future_status::ready) return;
      const absl::Status error = DeadlineError(
          call, deadline,
          "all ranks; see which did not start or hangs, and whether hosts reach each other "
          "(quadhop doctor)");
      std::fprintf(stderr, "quadhop: rank %d ends: %s\n", RankByLauncher(),
                   std::string(error.message()).c_str());
      std::fflush(stderr);
      std::_Exit(1);
    };
    try {
      thread_ = std::thread(wait);
    } catch (const std::system_error&) {
      // No thread is to be had: better no deadline than no run.
    }
  }
  ~EndsInTime() {
    ended_.set_value();
    if (thread_.joinable()) thread_.join();
  }
  EndsInTime(const EndsInTime&) = delete;
  EndsInTime& operator=(const EndsInTime&) = delete;

 private:
  std::promise<void> ended_;
  std::thread thread_;
};

class RealMpiRuntime : public MpiRuntime {
 public:
  RealMpiRuntime(int32_t local_rank, int32_t num_local_ranks, int32_t first_rank_on_host,
                 absl::Duration deadline)
      : local_rank_(local_rank),
        num_local_ranks_(num_local_ranks),
        first_rank_on_host_(first_rank_on_host),
        deadline_(deadline) {}

  ~RealMpiRuntime() override {
    if (job_->broken) return;
    const EndsInTime in_time("MPI_Finalize", deadline_);
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
  int32_t first_rank_on_host() const override { return first_rank_on_host_; }

 private:
  const std::shared_ptr<Job> job_ = std::make_shared<Job>();
  const int32_t local_rank_;
  const int32_t num_local_ranks_;
  const int32_t first_rank_on_host_;
  const absl::Duration deadline_;
};

absl::StatusOr<std::unique_ptr<MpiRuntime>> MakeRuntime(int provided, absl::Duration deadline) {
  if (provided != MPI_THREAD_MULTIPLE)
    return absl::FailedPreconditionError(
        absl::StrCat("this MPI library provides thread level ", provided,
                     "; quadhop needs MPI_THREAD_MULTIPLE (", MPI_THREAD_MULTIPLE,
                     "): use an MPI built with thread support"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                               "MPI_Comm_set_errhandler"));
  MPI_Comm host = MPI_COMM_NULL;
  int local_rank = 0;
  int num_local_ranks = 0;
  int first_rank_on_host = 0;
  QH_RETURN_IF_ERROR(
      MpiStatus(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
                "MPI_Comm_split_type"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_rank(host, &local_rank), "MPI_Comm_rank"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_size(host, &num_local_ranks), "MPI_Comm_size"));
  // The split keeps the order of ranks, so that the host's rank 0 is the first of the job there.
  QH_RETURN_IF_ERROR(
      MpiStatus(MPI_Comm_rank(MPI_COMM_WORLD, &first_rank_on_host), "MPI_Comm_rank"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Bcast(&first_rank_on_host, 1, MPI_INT, 0, host), "MPI_Bcast"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_free(&host), "MPI_Comm_free"));
  return std::make_unique<RealMpiRuntime>(local_rank, num_local_ranks, first_rank_on_host,
                                          deadline);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MpiRuntime>> MpiRuntime::Create(absl::Duration deadline) {
  int initialized = 0;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Initialized(&initialized), "MPI_Initialized"));
  if (initialized != 0)
    return absl::FailedPreconditionError("MPI is initialised already; make one MpiRuntime only");
  const EndsInTime in_time("MPI_Init", deadline);
  int provided = MPI_THREAD_SINGLE;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided),
                               "MPI_Init_thread"));
  absl::StatusOr<std::unique_ptr<MpiRuntime>> runtime = MakeRuntime(provided, deadline);
  if (!runtime.ok()) static_cast<void>(MPI_Finalize());  // the first error is the cause
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
