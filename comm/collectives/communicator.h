// Collectives between the ranks of a job, behind one interface.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/ids.h"

namespace quadhop {

// A group of ranks that call the same collectives in the same order. Every rank owns its own
// object. A communicator is used by one thread at a time; different communicators (see Duplicate)
// may be used by different threads at once.
//
// Every call has a deadline. A peer that fails or stays silent is an error, kDeadlineExceeded or
// kAborted, whose message names the operation and the ranks waited for. After any error the
// communicator is broken: every later call returns that error, the contents of receive buffers are
// unspecified, and the job can only be ended (Abort). `operation` says in messages what a call is
// for, and is the same on all ranks (the thread implementation checks it).
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual Rank rank() const = 0;
  virtual int32_t num_ranks() const = 0;

  // What a rank sends to, and takes from, one other rank (itself included). Sizes are known on both
  // sides. Buffers do not overlap.
  struct Message {
    const void* send = nullptr;
    int64_t send_bytes = 0;
    void* receive = nullptr;
    int64_t receive_bytes = 0;
  };
  // messages [R]. Counts may exceed 2^31. kInvalidArgument, at least on the receiving rank, if a
  // peer sends another number of bytes than this rank expects.
  absl::Status AllToAllV(absl::string_view operation, absl::Span<const Message> messages);

  // Replaces values [n] on every rank, of equal n (else kInvalidArgument), by their sum, the same
  // on every rank, in an order and rounding of the implementation's choice: for `reduction: FAST`.
  // For sums that do not depend on R see ordered_sum.h.
  absl::Status AllReduceSum(absl::string_view operation, absl::Span<float> values);

  // Same bytes on every rank, taken from `root`.
  absl::Status Broadcast(absl::string_view operation, Rank root, absl::Span<uint8_t> bytes);
  // received [sum of received_bytes]: every rank's `mine`, by rank. received_bytes [R] says how
  // long each is.
  absl::Status AllGatherV(absl::string_view operation, absl::Span<const uint8_t> mine,
                          absl::Span<const int64_t> received_bytes, absl::Span<uint8_t> received);
  absl::Status Barrier(absl::string_view operation);

  // A communicator of the same ranks and deadline whose calls do not mix with this one's.
  // Collective.
  absl::StatusOr<std::unique_ptr<Communicator>> Duplicate();

  // How long the collectives took so far, most of it waiting for other ranks. Read by the thread
  // that calls them.
  absl::Duration time_taken() const { return time_taken_; }

  // Ends the job on all ranks: pending and later calls on this communicator and all its duplicates
  // fail with kAborted and this message (threads), or the processes end (MPI). May be called from
  // any thread.
  virtual void Abort(absl::string_view why) = 0;

  // This rank leaves this communicator: its call that is waiting for peers, and its later calls,
  // fail with kAborted. For a rank that gives up after an error while a thread of its own waits
  // here; peers that wait for it fail at once (threads) or when the job ends (MPI). MPI's own
  // all-reduce, once begun, cannot be left before its deadline. May be called from any thread.
  virtual void Cancel() = 0;

 protected:
  // Arguments have been checked. The other collectives are built from this one if a backend has
  // nothing better.
  virtual absl::Status DoAllToAllV(absl::string_view operation,
                                   absl::Span<const Message> messages) = 0;
  virtual absl::Status DoAllReduceSum(absl::string_view operation, absl::Span<float> values);
  virtual absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() = 0;

 private:
  absl::Status CheckMessages(absl::string_view operation, absl::Span<const Message> messages) const;
  // Remembers the first error.
  absl::Status Keep(absl::Status status);
  // The same for a call, whose time is measured.
  absl::Status Run(absl::FunctionRef<absl::Status()> call);

  absl::Status broken_;
  absl::Duration time_taken_;
};

// The communicator of a job of one rank.
std::unique_ptr<Communicator> MakeSoloCommunicator();

// Communicators of `num_ranks` ranks that are threads of this process: the reference
// implementation.
std::vector<std::unique_ptr<Communicator>> MakeThreadCommunicators(int32_t num_ranks,
                                                                   absl::Duration deadline);

}  // namespace quadhop
