// Disk as an extension of memory.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace quadhop {

// A file without a name: it is gone with the object, or with the process, however that ends.
// Thread-safe.
class ScratchFile {
 public:
  // On the file system of `folder`, which exists.
  static absl::StatusOr<std::unique_ptr<ScratchFile>> Create(const std::string& folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  int64_t num_bytes() const { return num_bytes_; }
  // Writes at the end, and returns where that was. kResourceExhausted if the disk is full.
  absl::StatusOr<int64_t> Append(const void* data, int64_t num_bytes);
  // Reserves room at the end, to be written in any order, and returns where it begins.
  int64_t Reserve(int64_t num_bytes) { return num_bytes_.fetch_add(num_bytes); }
  // Within what is there or reserved. Errors as Append's.
  absl::Status WriteAt(int64_t offset_bytes, const void* data, int64_t num_bytes);
  // The bytes must be there.
  absl::Status ReadAt(int64_t offset_bytes, void* data, int64_t num_bytes) const;

 private:
  ScratchFile(int fd, std::string folder) : fd_(fd), folder_(std::move(folder)) {}
  int fd_;
  std::string folder_;
  std::atomic<int64_t> num_bytes_ = 0;
};

}  // namespace quadhop
