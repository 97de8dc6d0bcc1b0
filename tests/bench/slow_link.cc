// A cable with delay and limited bandwidth between two network namespaces, for kernels without
// netem:
//
//   quadhop_slow_link NAMESPACE_A NAMESPACE_B DELAY_MS GIGABIT_PER_S
//
// Makes a TAP device "slow0" in each (`ip netns` made them; needs root) and carries frames between
// the two until it is killed. A frame leaves when the one before it has left at the given rate, and
// arrives the delay later. Prints "ready" when the devices exist.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxFrameBytes = 65536;

int Checked(int result, const std::string& what) {
  if (result >= 0) return result;
  std::perror(what.c_str());
  std::exit(1);
}

// A TAP device of the namespace; the calling thread ends up in that namespace.
int OpenDevice(const std::string& network_namespace) {
  const std::string path = "/var/run/netns/" + network_namespace;
  const int place = Checked(open(path.c_str(), O_RDONLY | O_CLOEXEC), path);
  Checked(setns(place, CLONE_NEWNET), path);
  close(place);
  const int device = Checked(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "/dev/net/tun");
  ifreq request{};
  std::strncpy(request.ifr_name, "slow0", sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  Checked(ioctl(device, TUNSETIFF, &request), "TUNSETIFF in " + network_namespace);
  return device;
}

// One direction of the cable.
class Lane {
 public:
  Lane(int from, int to, Clock::duration delay, double bytes_per_second)
      : from_(from), to_(to), delay_(delay), bytes_per_second_(bytes_per_second) {}

  void Receive() {
    std::vector<char> bytes(kMaxFrameBytes);
    while (true) {
      const ssize_t size = read(from_, bytes.data(), bytes.size());
      if (size <= 0) continue;
      const std::chrono::duration<double> on_the_wire(static_cast<double>(size) /
                                                      bytes_per_second_);
      const std::scoped_lock lock(mutex_);
      wire_is_free_ = std::max(wire_is_free_, Clock::now()) +
                      std::chrono::duration_cast<Clock::duration>(on_the_wire);
      frames_.push_back({wire_is_free_ + delay_, {bytes.begin(), bytes.begin() + size}});
      arrived_.notify_one();
    }
  }

  void Deliver() {
    while (true) {
      Frame frame;
      {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return !frames_.empty(); });
        frame = std::move(frames_.front());
        frames_.pop_front();
      }
      std::this_thread::sleep_until(frame.due);
      // A device that is down takes nothing: the frame is lost, as on a cable.
      if (write(to_, frame.bytes.data(), frame.bytes.size()) < 0) continue;
    }
  }

 private:
  struct Frame {
    Clock::time_point due;
    std::vector<char> bytes;
  };

  const int from_, to_;
  const Clock::duration delay_;
  const double bytes_per_second_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::deque<Frame> frames_;
  Clock::time_point wire_is_free_{};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "usage: %s NAMESPACE_A NAMESPACE_B DELAY_MS GIGABIT_PER_S\n",
                 arguments[0]);
    return 2;
  }
  const int a = OpenDevice(arguments[1]), b = OpenDevice(arguments[2]);
  const auto delay = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double, std::milli>(std::atof(arguments[3])));
  const double bytes_per_second = 1e9 / 8 * std::atof(arguments[4]);
  Lane to_b(a, b, delay, bytes_per_second), to_a(b, a, delay, bytes_per_second);
  std::puts("ready");
  std::fflush(stdout);
  std::vector<std::thread> threads;
  for (Lane* lane : {&to_a, &to_b}) {
    threads.emplace_back([lane] { lane->Receive(); });
    threads.emplace_back([lane] { lane->Deliver(); });
  }
  for (std::thread& thread : threads) thread.join();
}
