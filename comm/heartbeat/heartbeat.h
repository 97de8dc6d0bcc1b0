// Finds ranks that died or fell silent, by messages on sockets of its own: a rank that is slow
// counts as alive, while a process that is gone or stopped, or a host that is cut off, is found
// within seconds, whatever MPI is waiting for.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>

#include "comm/collectives/communicator.h"
#include "comm/heartbeat/rank_progress.h"

namespace quadhop {

struct HeartbeatOptions {
  absl::Duration interval = absl::Seconds(1);
  absl::Duration timeout = absl::Seconds(10);  // of silence
};

// kInvalidArgument, naming the fields of the config, unless the interval is positive and the
// timeout two of them at least: a beat is often late by a part of an interval.
absl::Status CheckHeartbeat(const HeartbeatOptions& options);

// A thread that sends this rank's progress every interval, and listens. Every rank has a TCP
// connection (IPv4, any interface) to rank 0, which tells the others of a loss; so two ranks that
// reach rank 0 but not each other are left to the deadlines of collectives. Silence is measured by
// a steady clock, and time during which this process itself was suspended does not count.
class Heartbeat {
 public:
  // Called once, from the heartbeat's thread, when a rank is lost: `message` names it and says
  // where ranks stood. Not expected to return control to the job. Neither this nor AskHandler may
  // call the Heartbeat, which waits for them, and sends nothing meanwhile.
  using LossHandler = std::function<void(const std::string& message)>;
  // Called, from the same thread, each time that another rank calls Ask.
  using AskHandler = std::function<void()>;

  // Collective. `progress` outlives the object. The error of CheckHeartbeat; kUnavailable if a rank
  // cannot be reached: the message names the addresses tried. A rank that gets an error may leave
  // others waiting in the midst of this call, so its caller must abort the job, as RunRanks does.
  static absl::StatusOr<std::unique_ptr<Heartbeat>> Start(Communicator& comm,
                                                          const HeartbeatOptions& options,
                                                          const RankProgress& progress,
                                                          LossHandler on_loss,
                                                          AskHandler on_ask = {});
  // Other ranks take this for the death of this rank, unless Leave was called.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Says farewell, so that nobody takes the end of this process for a loss.
  void Leave();

  // Calls AskHandler on all other ranks: for a rank that has waited too long and is about to end
  // the job.
  void Ask();

  // "rank 0 was training, step 12; rank 1 ...", as far as this rank knows. Thread-safe.
  std::string WhereRanksStand() const;

 private:
  struct State;
  explicit Heartbeat(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace quadhop
