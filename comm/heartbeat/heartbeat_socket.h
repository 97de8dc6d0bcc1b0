// The sockets of the heartbeat: messages of one size over TCP.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <absl/types/optional.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace quadhop {

// Times of the heartbeat: by a clock that nobody sets.
using SteadyTime = std::chrono::steady_clock::time_point;
inline SteadyTime SteadyNow() { return std::chrono::steady_clock::now(); }
inline SteadyTime SteadyAfter(absl::Duration duration) {
  return SteadyNow() + absl::ToChronoNanoseconds(duration);
}
// 0 once it is past.
int64_t MillisecondsUntil(SteadyTime deadline);

// What goes over the wire, in the byte order of the machine, which all ranks of a job share.
struct Beat {
  enum Kind : int32_t {
    kHello,   // from a rank that connects; answered with the same
    kAlive,   // the sender's progress
    kLeave,   // the sender ends in order
    kDied,    // from rank 0: `rank` is gone
    kSilent,  // from rank 0: `rank` has not been heard from
    kStuck,   // `rank` waited for a collective in vain: where is everybody?
  };
  uint64_t token = 0;  // the job's: connections of others are not taken for ours
  int32_t kind = kAlive;
  int32_t rank = 0;
  int64_t step = 0;
  std::array<char, 40> phase{};  // ends with a zero
};
static_assert(sizeof(Beat) == 64);

// Owns a file descriptor. Moves, does not copy.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();
  int fd() const { return fd_; }

 private:
  int fd_;
};

// One connection. Used by one thread.
class BeatConnection {
 public:
  explicit BeatConnection(Socket socket) : socket_(std::move(socket)) {}
  int fd() const { return socket_.fd(); }
  bool closed() const { return closed_; }

  // Does not wait; a peer that takes nothing for long will be found silent anyway.
  void Send(const Beat& beat);
  // The next whole message that has arrived, if any; sets closed() at the end of the stream.
  absl::optional<Beat> Receive();
  // Nothing more will be sent. Takes in what has arrived: a socket that is closed over unread data
  // resets the connection, and what was sent last may be lost to the peer.
  void Finish();
  // Waits for the next message, up to the deadline.
  absl::optional<Beat> WaitFor(SteadyTime deadline);

 private:
  Socket socket_;
  bool closed_ = false;
  size_t have_ = 0;
  std::array<std::byte, sizeof(Beat)> buffer_;
};

// A port that any host may connect to.
struct Listener {
  Socket socket;
  uint16_t port = 0;
};
absl::StatusOr<Listener> Listen(int backlog);
absl::StatusOr<Socket> Accept(const Listener& listener, SteadyTime deadline);  // kDeadlineExceeded

// This host's IPv4 addresses (network byte order), loopback last.
std::vector<uint32_t> HostAddresses();
absl::StatusOr<Socket> Connect(uint32_t address, uint16_t port, SteadyTime deadline);

}  // namespace quadhop
