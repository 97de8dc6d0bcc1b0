#include "comm/heartbeat/heartbeat_socket.h"

#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "comm/network/host_interfaces.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

// Waits until `fd` is ready for `events`; false at the deadline.
bool WaitReady(int fd, int16_t events, SteadyTime deadline) {
  while (true) {
    pollfd wanted{fd, events, 0};
    const int64_t left = std::min<int64_t>(MillisecondsUntil(deadline), 60000);
    const int ready = poll(&wanted, 1, static_cast<int>(left) + 1);
    if (ready > 0) return true;
    if ((ready < 0 && errno != EINTR) || SteadyNow() >= deadline) return false;
  }
}

sockaddr_in SocketAddress(uint32_t address, uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = address;
  return to;
}

Socket NewSocket() {
  return Socket(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

int64_t MillisecondsUntil(SteadyTime deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyNow());
  return std::max<int64_t>(0, left.count());
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

void BeatConnection::Send(const Beat& beat) {
  const ssize_t sent = send(fd(), &beat, sizeof(beat), MSG_NOSIGNAL | MSG_DONTWAIT);
  // Only a part of a message is sent if the buffer fills up: the stream is of no use then.
  const bool full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  // What the peer sent before it closed, a leave perhaps, can still be read: Receive finds the end.
  if (sent != static_cast<ssize_t>(sizeof(beat)) && !full) shutdown(fd(), SHUT_RDWR);
}

void BeatConnection::Finish() {
  shutdown(fd(), SHUT_WR);
  while (Receive().has_value()) {
  }
}

absl::optional<Beat> BeatConnection::Receive() {
  while (!closed_) {
    const ssize_t got = recv(fd(), buffer_.data() + have_, buffer_.size() - have_, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return absl::nullopt;
    if (got <= 0) {
      closed_ = true;
      return absl::nullopt;
    }
    have_ += static_cast<size_t>(got);
    if (have_ < buffer_.size()) continue;
    have_ = 0;
    Beat beat;
    std::memcpy(&beat, buffer_.data(), sizeof(beat));
    beat.phase.back() = 0;
    return beat;
  }
  return absl::nullopt;
}

absl::optional<Beat> BeatConnection::WaitFor(SteadyTime deadline) {
  while (true) {
    absl::optional<Beat> beat = Receive();
    if (beat.has_value() || closed_ || !WaitReady(fd(), POLLIN, deadline)) return beat;
  }
}

absl::StatusOr<Listener> Listen(int backlog) {
  Listener listener{NewSocket(), 0};
  sockaddr_in any = SocketAddress(htonl(INADDR_ANY), 0);
  socklen_t size = sizeof(any);
  if (listener.socket.fd() < 0 ||
      bind(listener.socket.fd(), reinterpret_cast<sockaddr*>(&any), sizeof(any)) != 0 ||
      listen(listener.socket.fd(), backlog) != 0 ||
      getsockname(listener.socket.fd(), reinterpret_cast<sockaddr*>(&any), &size) != 0)
    return ErrnoStatus(errno, "open a TCP port for the heartbeat");
  listener.port = ntohs(any.sin_port);
  return listener;
}

absl::StatusOr<Socket> Accept(const Listener& listener, SteadyTime deadline) {
  while (WaitReady(listener.socket.fd(), POLLIN, deadline)) {
    Socket socket(accept4(listener.socket.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.fd() >= 0) return socket;
    if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
      return ErrnoStatus(errno, "accept a heartbeat's connection");
  }
  return absl::DeadlineExceededError("nobody connected");
}

std::vector<uint32_t> HostAddresses() {
  std::vector<uint32_t> addresses;
  for (const HostInterface& interface : HostInterfaces())
    if (!interface.is_loopback) addresses.push_back(interface.address);
  addresses.push_back(htonl(INADDR_LOOPBACK));
  return addresses;
}

absl::StatusOr<Socket> Connect(uint32_t address, uint16_t port, SteadyTime deadline) {
  Socket socket = NewSocket();
  if (socket.fd() < 0) return ErrnoStatus(errno, "open a socket for the heartbeat");
  const sockaddr_in to = SocketAddress(address, port);
  int error =
      connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    if (!WaitReady(socket.fd(), POLLOUT, deadline))
      return absl::DeadlineExceededError(absl::StrCat(AddressText(address), ":", port, ": silent"));
    socklen_t size = sizeof(error);
    if (getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  if (error != 0) return ErrnoStatus(error, absl::StrCat(AddressText(address), ":", port));
  return socket;
}

}  // namespace quadhop
