#include "core/files/file_lock.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/base/status.h"
#include "core/base/warning.h"

namespace quadhop {

absl::StatusOr<FileLock> FileLock::Take(int fd, const std::string& path, int operation) {
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  FileLock lock(fd);
  if (flock(fd, operation | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return absl::UnavailableError(absl::StrCat(path, " is locked"));
  if (operation == LOCK_SH) return lock;
  const absl::Status status = ErrnoStatus(errno, absl::StrCat("lock ", path));
  PrintWarning(
      absl::StrCat("nothing keeps a second process from writing there: ", status.message()));
  return lock;
}

absl::StatusOr<FileLock> FileLock::OfFolder(const std::string& path) {
  return Take(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, LOCK_EX);
}

absl::StatusOr<FileLock> FileLock::OfFolderToRead(const std::string& path) {
  return Take(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, LOCK_SH);
}

absl::StatusOr<FileLock> FileLock::OfFile(const std::string& path, const std::string& holder) {
  // Opened for writing, since NFS turns the lock into one on the file's bytes.
  QH_ASSIGN_OR_RETURN(FileLock lock,
                      Take(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), path, LOCK_EX));
  // If the holder cannot be written, those who are refused just do not learn of it.
  if (ftruncate(lock.fd_, 0) == 0) (void)!pwrite(lock.fd_, holder.data(), holder.size(), 0);
  return lock;
}

bool FileLock::IsFree(const std::string& path) {
  const FileLock file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Shared, so that callers do not take each other for a holder; released at once.
  return file.fd_ >= 0 && flock(file.fd_, LOCK_SH | LOCK_NB) == 0;
}

bool FileLock::IsOf(const std::string& path) const {
  struct stat locked, named;
  // ESTALE: another client of NFS removed it.
  if (fstat(fd_, &locked) != 0) return errno != ESTALE;
  if (stat(path.c_str(), &named) != 0) return errno != ENOENT && errno != ENOTDIR;
  return locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace quadhop
