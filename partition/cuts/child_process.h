// Work in a child process: for libraries that trap signals or abort.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <functional>

namespace quadhop {

// Memory that a child process shares with its parent; zero at first. Movable, not copyable.
class SharedMemory {
 public:
  static absl::StatusOr<SharedMemory> Create(int64_t num_bytes);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  void* data() const { return data_; }

 private:
  SharedMemory() = default;
  void* data_ = nullptr;
  int64_t num_bytes_ = 0;
};

// Runs `body` in a child process and waits for it. The child has a copy of this process's memory,
// but of its threads only the caller; signals are handled as at the start of a program; its results
// come back through SharedMemory alone. It ends when its parent does. Errors name `what`: kInternal
// if the child aborts, crashes, throws or cannot be started; kResourceExhausted if it is refused
// memory (std::bad_alloc) or killed (SIGKILL: as a rule by the kernel, for memory).
absl::Status RunInChild(absl::string_view what, const std::function<void()>& body);

}  // namespace quadhop
