// A lock on a file or a folder, held by one process or shared by several that only read.
#pragma once

#include <absl/status/statusor.h>

#include <string>

namespace quadhop {

// The system drops it when the process ends, however it ends. Held until the object is destroyed;
// moves, does not copy. Advisory: it binds only those who take it.
class FileLock {
 public:
  // All of these: kUnavailable if another has the lock; the error of opening, if there is one. If
  // the file system has no locks (NFS has none for folders), a warning is printed and nobody is
  // kept out.
  static absl::StatusOr<FileLock> OfFolder(const std::string& path);
  // Shared with others that only read there. If there are no locks, nobody is kept out, without a
  // warning.
  static absl::StatusOr<FileLock> OfFolderToRead(const std::string& path);
  // Makes the file if it is not there, and writes `holder` into it, to be read by those who are
  // refused.
  static absl::StatusOr<FileLock> OfFile(const std::string& path, const std::string& holder);

  // Whether nobody has the lock on the file; false if that cannot be known. Does not make the file.
  static bool IsFree(const std::string& path);

  // Whether what is locked is what `path` names; false once it was removed, or replaced by another.
  // True if that cannot be known.
  bool IsOf(const std::string& path) const;

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
