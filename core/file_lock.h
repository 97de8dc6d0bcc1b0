// A lock on a file or a folder: one process has it, or several that read share it.
#pragma once

#include <absl/status/statusor.h>

#include <string>

namespace quadhop {

// The system drops it when the process ends, however it ends. Held until the object is destroyed;
// moves, does not copy. Advisory: only those who take it mind it.
class FileLock {
 public:
  // All: kUnavailable if another has the lock; the error of opening, if there is one. A file
  // system that has no locks (NFS has none of folders) is a warning, and nobody is kept out.
  static absl::StatusOr<FileLock> OfFolder(const std::string& path);
  // With others that only read there. Where there are no locks nobody is kept out, silently.
  static absl::StatusOr<FileLock> OfFolderToRead(const std::string& path);
  // Makes the file if it is not there, and leaves `holder` in it, for those who are refused.
  static absl::StatusOr<FileLock> OfFile(const std::string& path, const std::string& holder);

  // Whether nobody has the lock on the file, which is not made; false where that cannot be known.
  static bool IsFree(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  // operation: LOCK_EX or LOCK_SH.
  static absl::StatusOr<FileLock> Take(int fd, const std::string& path, int operation);
  int fd_;
};

}  // namespace quadhop
