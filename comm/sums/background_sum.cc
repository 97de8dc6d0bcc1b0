#include "comm/sums/background_sum.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/threads/out_of_memory.h"

namespace quadhop {

struct BackgroundSum::State {
  State(std::unique_ptr<Communicator> communicator, PartitionOwners partition_owners, Reduction how,
        Memory* memory, std::unique_ptr<RowAdder> own_adder)
      : comm(std::move(communicator)),
        owners(std::move(partition_owners)),
        reduction(how),
        foreground(memory),
        adder(std::move(own_adder)) {}

  struct Job {
    MakeSum make;
    std::unique_ptr<Memory::Event> computed;  // when the summands are computed
  };

  absl::Status Make(const Job& job) {
    adder->memory().WaitFor(job.computed.get());
    return job.make(*comm, owners, *adder);
  }

  void Work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stop || !jobs.empty(); });
      if (jobs.empty()) return;
      if (error.ok()) {
        const Job& job = jobs.front();  // stays where it is while others are appended
        lock.unlock();
        absl::Status status = OrOutOfMemory("adding gradients", [&] { return Make(job); });
        lock.lock();
        error = std::move(status);
      }
      jobs.pop_front();
      if (jobs.empty()) changed.notify_all();
    }
  }

  const std::unique_ptr<Communicator> comm;  // used by the thread alone, if there is one
  const PartitionOwners owners;
  const Reduction reduction;
  Memory* const foreground;               // of the adder given; nullptr: the host's
  const std::unique_ptr<RowAdder> adder;  // used by the thread while there are jobs

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;  // guarded by mutex, as all below; the first is under way
  absl::Status error;
  bool stop = false;

  std::thread thread;  // none on one rank
};

absl::StatusOr<std::unique_ptr<BackgroundSum>> BackgroundSum::Create(Communicator& comm,
                                                                     PartitionOwners owners,
                                                                     Reduction reduction,
                                                                     RowAdder* adder) {
  if (owners.num_ranks() != comm.num_ranks())
    return absl::InvalidArgumentError(absl::StrCat(
        "owners for ", owners.num_ranks(), " ranks, but a communicator of ", comm.num_ranks()));
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> own, comm.Duplicate());
  std::unique_ptr<RowAdder> own_adder = std::make_unique<HostRowAdder>();
  if (adder != nullptr) {
    QH_ASSIGN_OR_RETURN(own_adder, adder->OnNewStream());
  }
  auto state =
      std::make_unique<State>(std::move(own), std::move(owners), reduction,
                              adder == nullptr ? nullptr : &adder->memory(), std::move(own_adder));
  if (comm.num_ranks() > 1) {
    try {
      state->thread = std::thread([s = state.get()] { s->Work(); });
    } catch (const std::system_error& e) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot start the thread that combines gradients: ", e.what()));
    }
  }
  return std::unique_ptr<BackgroundSum>(new BackgroundSum(std::move(state)));
}

BackgroundSum::BackgroundSum(std::unique_ptr<State> state) : state_(std::move(state)) {}

BackgroundSum::~BackgroundSum() {
  {
    std::scoped_lock lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

void BackgroundSum::Submit(std::string operation, absl::Span<float> summands, absl::Span<float> sum,
                           Memory* computed) {
  Queue(
      [operation = std::move(operation), summands, sum, reduction = state_->reduction](
          Communicator& comm, const PartitionOwners& owners, RowAdder& adder) {
        return SumOverPartitions(comm, owners, reduction, operation, adder, summands, sum);
      },
      computed);
}

void BackgroundSum::Queue(MakeSum make, Memory* computed) {
  if (computed == nullptr) computed = state_->foreground;
  std::unique_ptr<Memory::Event> event;
  if (computed != nullptr) event = computed->RecordEvent();
  State::Job job{std::move(make), std::move(event)};
  if (!state_->thread.joinable()) {
    if (state_->error.ok()) state_->error = state_->Make(job);
    return;
  }
  {
    std::scoped_lock lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
  }
  state_->changed.notify_all();
}

absl::Status BackgroundSum::Wait(Memory* used) {
  const Stopwatch watch;
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->jobs.empty(); });
  time_waited_ += watch.Elapsed();
  if (used == nullptr) used = state_->foreground;
  if (used != nullptr) used->WaitFor(state_->adder->memory().RecordEvent().get());
  return state_->error;
}

}  // namespace quadhop
