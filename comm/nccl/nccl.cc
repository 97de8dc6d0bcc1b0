#include "comm/nccl/nccl.h"

#include <cuda_runtime.h>
#include <nccl.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "comm/collectives/backoff.h"
#include "comm/collectives/collective_errors.h"
#include "comm/collectives/gather.h"
#include "comm/nccl/launch_order.h"
#include "core/base/status.h"
#include "core/cuda/cuda_device.h"
#include "core/cuda/cuda_status.h"

namespace quadhop {
namespace {

using cuda::Buffer;
using cuda::Device;

#define QH_NCCL_STATUS(call) NcclStatus((call), #call, __LINE__)

absl::Status NcclStatus(ncclResult_t code, absl::string_view call, int line) {
  // Calls on a communicator that does not block go on after they return; Settle waits for them.
  if (code == ncclSuccess || code == ncclInProgress) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(call, " at ", __FILE__, ":", line, ": ",
                                          ncclGetErrorString(code), " (", ncclGetLastError(nullptr),
                                          ")"));
}

// What all duplicates of a rank's communicator share.
struct Job {
  int local_rank;
  absl::Duration deadline;
  std::atomic<bool> broken{false};   // some duplicate is
  std::atomic<bool> aborted{false};  // so that no duplicate waits any longer
  LaunchOrder order;
};

// A wait that ends at the job's deadline, or when the rank gives up.
class Patience {
 public:
  Patience(absl::string_view operation, const Job& job, const std::atomic<bool>& cancelled)
      : operation_(operation), job_(job), cancelled_(cancelled), backoff_(job.deadline) {}

  // Lets a little time pass. An error if no time is left.
  absl::Status Pause() const {
    if (cancelled_ || job_.aborted) return GaveUpError(operation_);
    if (backoff_.Expired())
      return DeadlineError(operation_, job_.deadline,
                           "NCCL, though all ranks had arrived; see which one died or hangs");
    // A rank with a GPU has a core of its own.
    if (backoff_.Elapsed() > absl::Microseconds(100))
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    return absl::OkStatus();
  }

 private:
  const absl::string_view operation_;
  const Job& job_;
  const std::atomic<bool>& cancelled_;
  const Backoff backoff_;
};

class NcclCommunicator final : public Communicator {
 public:
  // Collective.
  static absl::StatusOr<std::unique_ptr<Communicator>> Make(Communicator& bootstrap,
                                                            std::shared_ptr<Job> job) {
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> meeting, bootstrap.Duplicate());
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Device> opened, Device::Open(job->local_rank));
    QH_ASSIGN_OR_RETURN(std::unique_ptr<Device> device, opened->NewDeviceStream());  // served first
    auto made = std::unique_ptr<NcclCommunicator>(
        new NcclCommunicator(std::move(meeting), std::move(device), std::move(job)));
    QH_RETURN_IF_ERROR(made->CheckDevices());
    QH_RETURN_IF_ERROR(made->Initialise());
    return made;
  }

  ~NcclCommunicator() override {
    if (comm_ == nullptr) return;
    // As with MPI, the end is collective unless something broke, here or in a duplicate.
    if (job_->broken) {
      static_cast<void>(ncclCommAbort(comm_));
      return;
    }
    const Patience patience("end of a communicator", *job_, cancelled_);
    if (NcclStatus(ncclCommFinalize(comm_), "", 0).ok() && Settle(patience).ok()) {
      static_cast<void>(ncclCommDestroy(comm_));
    } else {
      static_cast<void>(ncclCommAbort(comm_));
    }
  }

  Rank rank() const override { return meeting_->rank(); }
  int32_t num_ranks() const override { return meeting_->num_ranks(); }
  void Abort(absl::string_view why) override {
    job_->aborted = true;
    job_->broken = true;
    job_->order.Break();
    meeting_->Abort(why);
  }
  void Cancel() override {
    cancelled_ = true;
    meeting_->Cancel();
  }

 protected:
  absl::Status DoAllToAllV(absl::string_view operation,
                           absl::Span<const Message> messages) override {
    return Watch(Exchange(operation, messages));
  }
  absl::Status DoAllReduceSum(absl::string_view operation, absl::Span<float> values) override {
    return Watch(Reduce(operation, values));
  }
  absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() override {
    absl::StatusOr<std::unique_ptr<Communicator>> duplicate = Make(*meeting_, job_);
    QH_RETURN_IF_ERROR(Watch(duplicate.status()));
    return duplicate;
  }

 private:
  NcclCommunicator(std::unique_ptr<Communicator> meeting, std::unique_ptr<Device> device,
                   std::shared_ptr<Job> job)
      : meeting_(std::move(meeting)), device_(std::move(device)), job_(std::move(job)) {}

  // After an error nobody waits for NCCL any more.
  absl::Status Watch(absl::Status status) {
    if (status.ok()) return status;
    job_->broken = true;
    if (comm_ != nullptr) static_cast<void>(ncclCommAbort(comm_));
    comm_ = nullptr;
    return status;
  }

  // NCCL allows one rank per GPU.
  absl::Status CheckDevices() {
    QH_ASSIGN_OR_RETURN(const auto all, GatherOne(*meeting_, "GPUs of all ranks", device_->uuid()));
    for (size_t r = 0; r < all.size(); ++r) {
      for (size_t s = 0; s < r; ++s) {
        if (all[r] == all[s])
          return absl::FailedPreconditionError(
              absl::StrCat("ranks ", s, " and ", r,
                           " have the same GPU, but NCCL allows one rank per GPU: start "
                           "as many ranks on a host as it has GPUs"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Initialise() {
    ncclUniqueId id{};
    if (rank() == Rank(0)) QH_RETURN_IF_ERROR(QH_NCCL_STATUS(ncclGetUniqueId(&id)));
    QH_ASSIGN_OR_RETURN(id, BroadcastValue(*meeting_, "NCCL's meeting point", Rank(0), id));
    QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaSetDevice(device_->ordinal())));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    return Watch(Launch("begin of NCCL", [&] {
      return QH_NCCL_STATUS(
          ncclCommInitRankConfig(&comm_, num_ranks(), id, rank().value(), &config));
    }));
  }

  // All ranks say whether they are ready; then they launch in rank 0's order. Returns when NCCL has
  // taken the work, which may still be going on. To be called after a meeting, so that all are sure
  // to come: rank 0 must not number a launch that has to wait for another one with a later number.
  template <typename Work>
  absl::Status Launch(absl::string_view operation, const Work& work, bool ready = true) {
    struct Word {
      int64_t ready;
      int64_t number;  // of the launch; rank 0's counts
    };
    const Word mine{ready ? 1 : 0, rank() == Rank(0) ? job_->order.Take() : 0};
    const absl::StatusOr<std::vector<Word>> words = GatherOne(*meeting_, operation, mine);
    absl::Status status = words.status();
    if (status.ok()) status = job_->order.AwaitTurn((*words)[0].number, job_->deadline);
    if (!status.ok()) job_->order.Break();
    QH_RETURN_IF_ERROR(status);
    for (size_t r = 0; r < words->size(); ++r) {
      if ((*words)[r].ready == 0)
        status = absl::InvalidArgumentError(absl::StrCat(
            operation, ": rank ", r, " refused; sender and receiver must agree on sizes"));
    }
    if (status.ok()) status = QH_CUDA_STATUS(cudaSetDevice(device_->ordinal()));
    if (status.ok()) status = work();
    if (status.ok()) status = Settle(Patience(operation, *job_, cancelled_));
    job_->order.Done();
    return status;
  }

  // Waits until NCCL has taken what it was asked for.
  absl::Status Settle(const Patience& patience) {
    while (true) {
      ncclResult_t state = ncclSuccess;
      QH_RETURN_IF_ERROR(QH_NCCL_STATUS(ncclCommGetAsyncError(comm_, &state)));
      if (state == ncclSuccess) return absl::OkStatus();
      if (state != ncclInProgress) return NcclStatus(state, "an exchange", __LINE__);
      QH_RETURN_IF_ERROR(patience.Pause());
    }
  }

  // Waits until what was launched is done. Never by a call that blocks: a peer may be gone.
  absl::Status Finish(absl::string_view operation) {
    const Patience patience(operation, *job_, cancelled_);
    while (true) {
      const cudaError_t state = cudaStreamQuery(device_->stream());
      if (state == cudaSuccess) return device_->status();
      if (state != cudaErrorNotReady) return QH_CUDA_STATUS(state);
      QH_RETURN_IF_ERROR(Settle(patience));
      QH_RETURN_IF_ERROR(patience.Pause());
    }
  }

  absl::Status Exchange(absl::string_view operation, absl::Span<const Message> messages) {
    absl::Status fits = CheckSizes(operation, messages);
    if (!fits.ok() && !absl::IsInvalidArgument(fits)) return fits;
    const auto own = static_cast<size_t>(rank().value());
    // Host buffers are staged on the device, except for this rank's message to itself.
    std::vector<Buffer<uint8_t>> staged;
    std::vector<Message> on_device(messages.begin(), messages.end());
    QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaSetDevice(device_->ordinal())));
    for (size_t r = 0; r < messages.size(); ++r) {
      Message& m = on_device[r];
      if (r == own) continue;
      if (m.send_bytes > 0 && !device_->Holds(m.send)) {
        staged.emplace_back(*device_, m.send_bytes);
        device_->Upload(m.send, static_cast<size_t>(m.send_bytes), staged.back().data());
        m.send = staged.back().data();
      }
      if (m.receive_bytes > 0 && !device_->Holds(m.receive)) {
        staged.emplace_back(*device_, m.receive_bytes);
        m.receive = staged.back().data();
      }
    }
    QH_RETURN_IF_ERROR(device_->status());
    const absl::Status launched = Launch(
        operation, [&] { return SendAndReceive(on_device); }, fits.ok());
    QH_RETURN_IF_ERROR(fits);  // says more than that this rank refused
    QH_RETURN_IF_ERROR(launched);
    QH_RETURN_IF_ERROR(Finish(operation));
    for (size_t r = 0; r < messages.size(); ++r) {
      const Message& m = messages[r];
      const void* from = r == own ? m.send : on_device[r].receive;
      if (m.receive_bytes > 0 && from != m.receive)
        QH_RETURN_IF_ERROR(
            QH_CUDA_STATUS(cudaMemcpyAsync(m.receive, from, static_cast<size_t>(m.receive_bytes),
                                           cudaMemcpyDefault, device_->stream())));
    }
    return device_->Synchronize();
  }

  // Checks that each peer is to send what this rank expects.
  absl::Status CheckSizes(absl::string_view operation, absl::Span<const Message> messages) {
    std::vector<int64_t> theirs(messages.size());
    std::vector<Message> sizes;
    for (size_t r = 0; r < messages.size(); ++r)
      sizes.push_back({&messages[r].send_bytes, sizeof(int64_t), &theirs[r], sizeof(int64_t)});
    QH_RETURN_IF_ERROR(meeting_->AllToAllV(operation, sizes));
    for (size_t r = 0; r < messages.size(); ++r) {
      if (theirs[r] != messages[r].receive_bytes)
        return absl::InvalidArgumentError(absl::StrCat(
            operation, ": rank ", r, " sends ", theirs[r], " bytes, but ",
            messages[r].receive_bytes, " are expected; sender and receiver must agree on sizes"));
    }
    return absl::OkStatus();
  }

  absl::Status SendAndReceive(const std::vector<Message>& messages) {
    QH_RETURN_IF_ERROR(QH_NCCL_STATUS(ncclGroupStart()));
    absl::Status status;
    const int32_t num_ranks = this->num_ranks();
    for (int32_t distance = 1; distance < num_ranks && status.ok(); ++distance) {
      const int32_t to = (rank().value() + distance) % num_ranks;
      const int32_t from = (rank().value() + num_ranks - distance) % num_ranks;
      const Message& sent = messages[static_cast<size_t>(to)];
      const Message& received = messages[static_cast<size_t>(from)];
      if (sent.send_bytes > 0)
        status = QH_NCCL_STATUS(ncclSend(sent.send, static_cast<size_t>(sent.send_bytes), ncclInt8,
                                         to, comm_, device_->stream()));
      if (received.receive_bytes > 0 && status.ok())
        status =
            QH_NCCL_STATUS(ncclRecv(received.receive, static_cast<size_t>(received.receive_bytes),
                                    ncclInt8, from, comm_, device_->stream()));
    }
    const absl::Status ended = QH_NCCL_STATUS(ncclGroupEnd());
    return status.ok() ? ended : status;
  }

  absl::Status Reduce(absl::string_view operation, absl::Span<float> values) {
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes,
                        GatherOne(*meeting_, operation, static_cast<int64_t>(values.size())));
    QH_RETURN_IF_ERROR(CheckSumSizes(operation, rank(), sizes));
    if (values.empty()) return absl::OkStatus();
    QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaSetDevice(device_->ordinal())));
    const size_t bytes = values.size() * sizeof(float);
    Buffer<float> staged;
    float* on_device = values.data();
    if (!device_->Holds(values.data())) {
      staged.Reserve(*device_, static_cast<int64_t>(values.size()));
      on_device = staged.data();
      device_->Upload(values.data(), bytes, on_device);
    }
    QH_RETURN_IF_ERROR(device_->status());
    QH_RETURN_IF_ERROR(Launch(operation, [&] {
      return QH_NCCL_STATUS(ncclAllReduce(on_device, on_device, values.size(), ncclFloat, ncclSum,
                                          comm_, device_->stream()));
    }));
    QH_RETURN_IF_ERROR(Finish(operation));
    if (on_device != values.data()) device_->Download(on_device, bytes, values.data());
    return device_->status();
  }

  const std::unique_ptr<Communicator> meeting_;
  const std::unique_ptr<Device> device_;  // its stream is this communicator's
  const std::shared_ptr<Job> job_;        // shared with duplicates, any of which may live longest
  ncclComm_t comm_ = nullptr;             // nullptr after an error
  std::atomic<bool> cancelled_{false};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Communicator>> MakeNcclCommunicator(Communicator& bootstrap,
                                                                   int local_rank,
                                                                   absl::Duration deadline) {
  auto job = std::make_shared<Job>();
  job->local_rank = local_rank;
  job->deadline = deadline;
  return NcclCommunicator::Make(bootstrap, std::move(job));
}

}  // namespace quadhop
