#include <absl/strings/str_join.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

#include "comm/collectives/collective_errors.h"
#include "comm/collectives/communicator.h"
#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

// What all communicators of a job share: one lock, since this is the plain reference.
struct Job {
  std::mutex mutex;
  std::condition_variable changed;  // something a rank may wait for happened
  absl::Status aborted;             // guarded by mutex
};

// The meeting place of the ranks of one communicator. Thread-safe.
//
// A collective has two phases. Arrival: a rank posts its messages and waits, up to the deadline,
// until all have. Copying: each rank copies what it receives out of its peers' buffers and waits
// until all have done so; since only memcpy can hold this up, it has no deadline, and so no rank
// ever leaves while a peer may still read its buffers.
class Group {
 public:
  Group(std::shared_ptr<Job> job, int32_t num_ranks, absl::Duration deadline)
      : job_(std::move(job)), deadline_(deadline), slots_(static_cast<size_t>(num_ranks)) {}

  int32_t num_ranks() const { return static_cast<int32_t>(slots_.size()); }

  absl::Status AllToAllV(int32_t rank, absl::string_view operation,
                         absl::Span<const Communicator::Message> messages) {
    QH_RETURN_IF_ERROR(Arrive(rank, operation, messages));
    for (size_t r = 0; r < slots_.size(); ++r) {
      const Communicator::Message& theirs = slots_[r].messages[static_cast<size_t>(rank)];
      if (theirs.send_bytes > 0)
        std::memcpy(messages[r].receive, theirs.send, static_cast<size_t>(theirs.send_bytes));
    }
    std::unique_lock lock(job_->mutex);
    if (--num_copying_ == 0) job_->changed.notify_all();
    job_->changed.wait(lock, [&] { return num_copying_ == 0; });
    return absl::OkStatus();
  }

  // The group of the number-th duplicate, from 0: the first rank to ask makes it.
  std::shared_ptr<Group> Duplicate(size_t number) {
    std::scoped_lock lock(job_->mutex);
    QH_CHECK_LE(number, duplicates_.size());
    if (number == duplicates_.size())
      duplicates_.push_back(std::make_shared<Group>(job_, num_ranks(), deadline_));
    return duplicates_[number];
  }

  void Abort(absl::string_view why) {
    std::scoped_lock lock(job_->mutex);
    if (job_->aborted.ok()) job_->aborted = absl::AbortedError(why);
    job_->changed.notify_all();
  }

  void Cancel(int32_t rank) {
    std::scoped_lock lock(job_->mutex);
    if (cancelled_.ok())
      cancelled_ = absl::AbortedError(absl::StrCat("rank ", rank, " gave up the exchange"));
    job_->changed.notify_all();
  }

 private:
  struct Slot {
    bool arrived = false;
    absl::string_view operation;
    absl::Span<const Communicator::Message> messages;  // [R], of the rank that arrived
  };

  // Returns OK when all ranks have arrived with messages that fit; then every rank gets OK.
  absl::Status Arrive(int32_t rank, absl::string_view operation,
                      absl::Span<const Communicator::Message> messages) {
    std::unique_lock lock(job_->mutex);
    QH_RETURN_IF_ERROR(job_->aborted);
    QH_RETURN_IF_ERROR(cancelled_);
    QH_RETURN_IF_ERROR(failed_);
    slots_[static_cast<size_t>(rank)] = {true, operation, messages};
    const int64_t meeting = num_meetings_;
    if (++num_arrived_ == num_ranks()) {
      CompleteMeeting();
    } else {
      const auto woken = [&] {
        return num_meetings_ != meeting || !failed_.ok() || !cancelled_.ok() || !job_->aborted.ok();
      };
      if (!Wait(lock, woken)) {
        failed_ = SilenceError(operation);
        job_->changed.notify_all();
      }
    }
    // A rank that met its peers must copy even if the job has been aborted since: they count on it.
    if (num_meetings_ == meeting) {
      QH_RETURN_IF_ERROR(job_->aborted);
      QH_RETURN_IF_ERROR(cancelled_);
    }
    return failed_;
  }

  template <typename Condition>
  bool Wait(std::unique_lock<std::mutex>& lock, const Condition& condition) {
    if (deadline_ == absl::InfiniteDuration()) {
      job_->changed.wait(lock, condition);
      return true;
    }
    return job_->changed.wait_for(lock, absl::ToChronoNanoseconds(deadline_), condition);
  }

  void CompleteMeeting() {
    failed_ = CheckFit();
    ++num_meetings_;
    num_arrived_ = 0;
    num_copying_ = num_ranks();
    for (Slot& slot : slots_) slot.arrived = false;
    job_->changed.notify_all();
  }

  absl::Status CheckFit() const {
    for (size_t from = 0; from < slots_.size(); ++from) {
      if (slots_[from].operation != slots_[0].operation)
        return absl::InvalidArgumentError(
            absl::StrCat("rank 0 is at '", slots_[0].operation, "' but rank ", from, " is at '",
                         slots_[from].operation,
                         "'; all ranks must call the same operations in the same order"));
      for (size_t to = 0; to < slots_.size(); ++to) {
        const int64_t sent = slots_[from].messages[to].send_bytes;
        const int64_t expected = slots_[to].messages[from].receive_bytes;
        if (sent != expected)
          return absl::InvalidArgumentError(absl::StrCat(slots_[0].operation, ": rank ", from,
                                                         " sends ", sent, " bytes to rank ", to,
                                                         ", which expects ", expected));
      }
    }
    return absl::OkStatus();
  }

  absl::Status SilenceError(absl::string_view operation) const {
    std::vector<size_t> silent;
    for (size_t r = 0; r < slots_.size(); ++r)
      if (!slots_[r].arrived) silent.push_back(r);
    return DeadlineError(operation, deadline_,
                         absl::StrCat("rank ", absl::StrJoin(silent, ", "), " of ", num_ranks(),
                                      "; see what held it up"));
  }

  const std::shared_ptr<Job> job_;
  const absl::Duration deadline_;
  // Guarded by job_->mutex; slots_ may be read without it between the two phases.
  std::vector<Slot> slots_;  // [R]
  int32_t num_arrived_ = 0;
  int32_t num_copying_ = 0;
  int64_t num_meetings_ = 0;
  absl::Status failed_;
  absl::Status cancelled_;
  std::vector<std::shared_ptr<Group>> duplicates_;
};

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<Group> group, Rank rank)
      : group_(std::move(group)), rank_(rank) {}

  Rank rank() const override { return rank_; }
  int32_t num_ranks() const override { return group_->num_ranks(); }
  void Abort(absl::string_view why) override { group_->Abort(why); }
  void Cancel() override { group_->Cancel(rank_.value()); }

 protected:
  absl::Status DoAllToAllV(absl::string_view operation,
                           absl::Span<const Message> messages) override {
    return group_->AllToAllV(rank_.value(), operation, messages);
  }

  absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() override {
    QH_RETURN_IF_ERROR(Barrier("duplicate a communicator"));
    return std::make_unique<ThreadCommunicator>(group_->Duplicate(num_duplicates_++), rank_);
  }

 private:
  const std::shared_ptr<Group> group_;  // owned by all its ranks together: the last one frees it
  const Rank rank_;
  size_t num_duplicates_ = 0;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> MakeThreadCommunicators(int32_t num_ranks,
                                                                   absl::Duration deadline) {
  QH_CHECK_GE(num_ranks, 1);
  auto group = std::make_shared<Group>(std::make_shared<Job>(), num_ranks, deadline);
  std::vector<std::unique_ptr<Communicator>> ranks;
  for (int32_t r = 0; r < num_ranks; ++r)
    ranks.push_back(std::make_unique<ThreadCommunicator>(group, Rank(r)));
  return ranks;
}

}  // namespace quadhop
