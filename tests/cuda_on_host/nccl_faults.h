// What the stand-in for NCCL does wrong, from when a test sets it: on all ranks.
#pragma once

#include <atomic>

namespace nccl_on_host {

struct Faults {
  std::atomic<int> polls_in_progress{0};  // so many times it says that it is not done
  std::atomic<bool> fails{false};         // it says that an error has happened
  std::atomic<bool> loses_messages{false};
};
inline Faults faults;

}  // namespace nccl_on_host
