#include "comm/heartbeat/heartbeat.h"

#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <random>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "comm/collectives/gather.h"
#include "comm/heartbeat/heartbeat_socket.h"
#include "comm/network/host_interfaces.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr absl::Duration kConnectDeadline = absl::Seconds(60);
constexpr absl::Duration kAddressDeadline = absl::Seconds(3);
constexpr size_t kMaxDescribed = 16;

// How to reach rank 0.
struct Invitation {
  uint64_t token = 0;
  std::array<uint32_t, 16> addresses{};
  int32_t num_addresses = 0;
  uint16_t port = 0;
};

struct Peer {
  BeatConnection connection;
  int32_t rank = 0;
  Beat last{};
  SteadyTime heard;
  bool left = false;
};

uint64_t NewToken() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

Beat MakeBeat(uint64_t token, Beat::Kind kind, int32_t rank, const RankProgress& progress) {
  Beat beat;
  beat.token = token;
  beat.kind = kind;
  beat.rank = rank;
  beat.step = progress.step();
  absl::SNPrintF(beat.phase.data(), beat.phase.size(), "%s", progress.phase());
  return beat;
}

}  // namespace

struct Heartbeat::State {
  State(const HeartbeatOptions& the_options, const RankProgress& the_progress,
        LossHandler on_a_loss, AskHandler on_an_ask)
      : options(the_options),
        progress(the_progress),
        on_loss(std::move(on_a_loss)),
        on_ask(std::move(on_an_ask)) {}

  absl::Status AcceptAll(const Listener& listener, int32_t num_ranks);
  absl::Status ConnectToMain(const Invitation& invitation);
  void Work();
  void SendToAll(const Beat& beat);
  void TakeIn(SteadyTime next_beat);
  bool FindLoss();
  void Handle(const Beat& beat, Peer& peer);
  void PassOn(const Beat& question);
  void ReportLoss(int32_t lost, Beat::Kind how);
  std::string Describe() const;

  const HeartbeatOptions options;
  const RankProgress& progress;
  const LossHandler on_loss;
  const AskHandler on_ask;
  int32_t rank = 0;
  uint64_t token = 0;

  mutable std::mutex mutex;  // guards peers, which the thread changes and others describe
  std::vector<Peer> peers;   // on rank 0: all others; on others: rank 0
  bool lost = false;
  SteadyTime looked;  // when this thread last looked for losses

  std::atomic<bool> stop = false;
  Socket wake;  // written to when stop is set
  std::thread thread;
};

absl::Status Heartbeat::State::AcceptAll(const Listener& listener, int32_t num_ranks) {
  const SteadyTime deadline = SteadyAfter(kConnectDeadline);
  std::vector<bool> seen(static_cast<size_t>(num_ranks));
  while (peers.size() + 1 < static_cast<size_t>(num_ranks)) {
    absl::StatusOr<Socket> socket = Accept(listener, deadline);
    if (!socket.ok())
      return absl::UnavailableError(absl::StrCat(
          "heartbeat: ", peers.size(), " of ", num_ranks - 1, " ranks connected to rank 0 within ",
          absl::FormatDuration(kConnectDeadline), " (", std::string(socket.status().message()),
          "); open its TCP ports to the other hosts, or set train.heartbeat_interval_seconds=0"));
    BeatConnection connection(*std::move(socket));
    const absl::optional<Beat> hello = connection.WaitFor(SteadyAfter(kAddressDeadline));
    if (!hello.has_value() || hello->token != token || hello->rank < 1 ||
        hello->rank >= num_ranks || seen[static_cast<size_t>(hello->rank)])
      continue;  // not of this job
    seen[static_cast<size_t>(hello->rank)] = true;
    connection.Send(MakeBeat(token, Beat::kHello, 0, progress));
    peers.push_back({std::move(connection), hello->rank, *hello, SteadyNow()});
  }
  std::sort(peers.begin(), peers.end(),
            [](const Peer& a, const Peer& b) { return a.rank < b.rank; });
  return absl::OkStatus();
}

absl::Status Heartbeat::State::ConnectToMain(const Invitation& invitation) {
  std::vector<std::string> tried;
  for (int32_t i = 0; i < invitation.num_addresses; ++i) {
    const uint32_t address = invitation.addresses[static_cast<size_t>(i)];
    tried.push_back(absl::StrCat(AddressText(address), ":", invitation.port));
    absl::StatusOr<Socket> socket =
        Connect(address, invitation.port, SteadyAfter(kAddressDeadline));
    if (!socket.ok()) continue;
    BeatConnection connection(*std::move(socket));
    connection.Send(MakeBeat(token, Beat::kHello, rank, progress));
    // Rank 0 takes one connection after the other.
    const absl::optional<Beat> answer = connection.WaitFor(SteadyAfter(kConnectDeadline));
    if (!answer.has_value() || answer->token != token) continue;  // some other program's port
    peers.push_back({std::move(connection), 0, *answer, SteadyNow()});
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat("heartbeat: rank ", rank, " cannot reach rank 0 at ", absl::StrJoin(tried, ", "),
                   "; open TCP between the hosts, or set train.heartbeat_interval_seconds=0"));
}

void Heartbeat::State::SendToAll(const Beat& beat) {
  for (Peer& peer : peers) peer.connection.Send(beat);
}

void Heartbeat::State::Handle(const Beat& beat, Peer& peer) {
  if (beat.token != token) return;
  peer.heard = SteadyNow();
  if (beat.kind == Beat::kDied || beat.kind == Beat::kSilent) {
    if (beat.rank == rank) {  // they gave us up while we were stopped
      ReportLoss(rank, Beat::kSilent);
    } else {
      ReportLoss(beat.rank, static_cast<Beat::Kind>(beat.kind));
    }
    return;
  }
  if (beat.kind == Beat::kStuck) {
    PassOn(beat);
    return;
  }
  peer.left = peer.left || beat.kind == Beat::kLeave;
  peer.last = beat;
}

void Heartbeat::State::PassOn(const Beat& question) {
  if (rank == 0)
    for (Peer& other : peers)
      if (other.rank != question.rank) other.connection.Send(question);
  if (on_ask) on_ask();
}

// Takes in what arrives, waiting for it until the next beat at most.
void Heartbeat::State::TakeIn(SteadyTime next_beat) {
  std::vector<pollfd> wanted = {{wake.fd(), POLLIN, 0}};
  {
    const std::scoped_lock lock(mutex);
    for (const Peer& peer : peers)
      if (!peer.connection.closed()) wanted.push_back({peer.connection.fd(), POLLIN, 0});
  }
  do {
    const auto left = static_cast<int>(MillisecondsUntil(next_beat));
    if (poll(wanted.data(), wanted.size(), left + 1) > 0) break;
  } while (SteadyNow() < next_beat && !stop);
  const std::scoped_lock lock(mutex);
  for (Peer& peer : peers)
    while (const absl::optional<Beat> beat = peer.connection.Receive()) Handle(*beat, peer);
}

// To be called when all that has arrived has been taken in: who is gone?
bool Heartbeat::State::FindLoss() {
  const std::scoped_lock lock(mutex);
  const SteadyTime now = SteadyNow();
  // This thread itself was not running, since its process or host was suspended: peers may have
  // been, too.
  if (absl::FromChrono(now - looked) > options.interval + options.timeout / 2)
    for (Peer& peer : peers) peer.heard = now;
  looked = now;
  for (const Peer& peer : peers) {
    if (lost || peer.left) continue;
    if (peer.connection.closed()) {
      ReportLoss(peer.rank, Beat::kDied);
    } else if (absl::FromChrono(now - peer.heard) > options.timeout) {
      ReportLoss(peer.rank, Beat::kSilent);
    }
  }
  return lost;
}

// With `mutex` held.
void Heartbeat::State::ReportLoss(int32_t lost_rank, Beat::Kind how) {
  if (lost) return;
  lost = true;
  if (rank == 0) SendToAll(MakeBeat(token, how, lost_rank, progress));
  std::string what;
  if (lost_rank == rank) {
    what = absl::StrCat("rank ", rank, " itself was taken for lost: it sent nothing for ",
                        absl::FormatDuration(options.timeout));
  } else if (how == Beat::kDied) {
    what = absl::StrCat("rank ", lost_rank, " died: its process is gone");
  } else {
    what = absl::StrCat("rank ", lost_rank, " has been silent for ",
                        absl::FormatDuration(options.timeout),
                        ": its process is stopped, or its host is down or cut off");
  }
  on_loss(absl::StrCat(what, " (", Describe(), ")"));
}

std::string Heartbeat::State::Describe() const {
  std::vector<std::string> parts = {
      absl::StrCat("rank ", rank, " was ", progress.phase(), ", step ", progress.step())};
  for (const Peer& peer : peers) {
    if (parts.size() == kMaxDescribed) {
      parts.push_back(absl::StrCat("and ", peers.size() + 1 - kMaxDescribed, " more"));
      break;
    }
    parts.push_back(absl::StrFormat(
        "rank %d was %s, step %d, heard %.1f s ago", peer.rank, peer.last.phase.data(),
        peer.last.step, std::chrono::duration<double>(SteadyNow() - peer.heard).count()));
  }
  return absl::StrJoin(parts, "; ");
}

void Heartbeat::State::Work() {
  SteadyTime next_beat = SteadyNow();
  while (!stop) {
    if (SteadyNow() >= next_beat) {
      const std::scoped_lock lock(mutex);
      SendToAll(MakeBeat(token, Beat::kAlive, rank, progress));
      next_beat = SteadyAfter(options.interval);
    }
    TakeIn(next_beat);
    if (FindLoss()) return;
  }
}

absl::Status CheckHeartbeat(const HeartbeatOptions& options) {
  if (options.interval > absl::ZeroDuration() && options.timeout >= 2 * options.interval)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("train.heartbeat_timeout_seconds is ", absl::ToDoubleSeconds(options.timeout),
                   "; allowed: at least twice train.heartbeat_interval_seconds, ",
                   absl::ToDoubleSeconds(options.interval)));
}

absl::StatusOr<std::unique_ptr<Heartbeat>> Heartbeat::Start(Communicator& comm,
                                                            const HeartbeatOptions& options,
                                                            const RankProgress& progress,
                                                            LossHandler on_loss,
                                                            AskHandler on_ask) {
  QH_RETURN_IF_ERROR(CheckHeartbeat(options));
  auto state = std::make_unique<State>(options, progress, std::move(on_loss), std::move(on_ask));
  state->rank = comm.rank().value();
  state->wake = Socket(eventfd(0, EFD_CLOEXEC));
  if (state->wake.fd() < 0) return ErrnoStatus(errno, "make the heartbeat's eventfd");
  Invitation invitation;
  Listener listener;
  if (state->rank == 0) {
    QH_ASSIGN_OR_RETURN(listener, Listen(comm.num_ranks()));
    invitation.token = NewToken();
    invitation.port = listener.port;
    for (const uint32_t address : HostAddresses()) {
      auto& count = invitation.num_addresses;
      // The last place is for loopback, which comes last among the addresses.
      count = std::min<int32_t>(count, static_cast<int32_t>(invitation.addresses.size()) - 1);
      invitation.addresses[static_cast<size_t>(count++)] = address;
    }
  }
  QH_ASSIGN_OR_RETURN(invitation, BroadcastValue(comm, "heartbeat's address", Rank(0), invitation));
  state->token = invitation.token;
  if (state->rank == 0) {
    QH_RETURN_IF_ERROR(state->AcceptAll(listener, comm.num_ranks()));
  } else {
    QH_RETURN_IF_ERROR(state->ConnectToMain(invitation));
  }
  // Nobody counts as silent before all have begun.
  QH_RETURN_IF_ERROR(comm.Barrier("heartbeat"));
  state->looked = SteadyNow();
  for (Peer& peer : state->peers) peer.heard = state->looked;
  try {
    state->thread = std::thread([s = state.get()] { s->Work(); });
  } catch (const std::system_error& e) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start the heartbeat's thread: ", e.what()));
  }
  return std::unique_ptr<Heartbeat>(new Heartbeat(std::move(state)));
}

Heartbeat::Heartbeat(std::unique_ptr<State> state) : state_(std::move(state)) {}

Heartbeat::~Heartbeat() {
  state_->stop = true;
  const uint64_t one = 1;
  const ssize_t written = write(state_->wake.fd(), &one, sizeof(one));
  static_cast<void>(written);  // if it failed, the thread stops at its next beat
  state_->thread.join();
  for (Peer& peer : state_->peers) peer.connection.Finish();
}

void Heartbeat::Leave() {
  const std::scoped_lock lock(state_->mutex);
  state_->SendToAll(MakeBeat(state_->token, Beat::kLeave, state_->rank, state_->progress));
}

void Heartbeat::Ask() {
  const std::scoped_lock lock(state_->mutex);
  state_->SendToAll(MakeBeat(state_->token, Beat::kStuck, state_->rank, state_->progress));
}

std::string Heartbeat::WhereRanksStand() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->Describe();
}

}  // namespace quadhop
