#include "core/files/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// The path, or, if it does not exist, the nearest folder above it that does.
std::string NearestPresent(std::string path) {
  while (!FileExists(path)) {
    const std::string parent = FolderOf(path);
    if (parent == path) break;
    path = parent;
  }
  return path;
}

// An open file descriptor, closed at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::StatusOr<int64_t> RegularFileBytes(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, absl::StrCat("look at ", path));
  if (!S_ISREG(info.st_mode))
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a regular file; a plain file is needed here"));
  return static_cast<int64_t>(info.st_size);
}

// Opening a pipe would wait for whoever writes into it. fstat of what is open then tells a pipe
// from a file, whatever the path has become since.
int OpenWithoutWaiting(const std::string& path) {
  return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

absl::StatusOr<std::string> ReadToTheEnd(int fd, const std::string& path, int64_t max_bytes) {
  std::string contents;
  // Read to the end, not to st_size: files of /proc and pipes say 0.
  while (true) {
    const size_t before = contents.size();
    if (static_cast<int64_t>(before) > max_bytes)
      return absl::ResourceExhaustedError(absl::StrCat(
          path, " is larger than ", max_bytes, " bytes, the most that is read at once here"));
    contents.resize(before + (size_t{64} << 10) + before / 2);
    const ssize_t got = read(fd, contents.data() + before, contents.size() - before);
    const int error = errno;
    contents.resize(before + static_cast<size_t>(got > 0 ? got : 0));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return ErrnoStatus(error, absl::StrCat("read ", path));
    if (got == 0) return contents;
  }
}

absl::Status NoRoom(const std::string& path, int64_t needed_bytes) {
  const absl::StatusOr<int64_t> free_bytes = FreeDiskBytes(path);
  return absl::ResourceExhaustedError(
      absl::StrCat("no room for ", path, ": ", needed_bytes, " bytes needed, ",
                   free_bytes.ok() ? absl::StrCat(*free_bytes, " bytes") : "an unknown number",
                   " free on its file system; make room or choose another folder"));
}

absl::Status Reserve(int fd, int64_t size_bytes, const std::string& path) {
  if (size_bytes == 0) return absl::OkStatus();
  // Checked first, since fallocate fills what is left of a disk before it fails.
  const absl::StatusOr<int64_t> free_bytes = FreeDiskBytes(path);
  if (free_bytes.ok() && *free_bytes < size_bytes) return NoRoom(path, size_bytes);
  int error;
  do {
    error = fallocate(fd, 0, 0, static_cast<off_t>(size_bytes)) == 0 ? 0 : errno;
  } while (error == EINTR);
  // Some network file systems reserve nothing. posix_fallocate would write a byte of every 4 KiB.
  if (error == EOPNOTSUPP) error = ftruncate(fd, static_cast<off_t>(size_bytes)) == 0 ? 0 : errno;
  if (error == ENOSPC || error == EDQUOT) return NoRoom(path, size_bytes);
  if (error == EFBIG)
    return absl::ResourceExhaustedError(absl::StrCat(
        path, " needs ", size_bytes,
        " bytes, more than a file may have here: raise the limit of "
        "the process (ulimit -f), or choose a folder whose file system takes larger files"));
  if (error != 0)
    return ErrnoStatus(error, absl::StrCat("reserve ", size_bytes, " bytes for ", path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return ReadToTheEnd(file.get(), path, max_bytes);
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, int64_t max_bytes) {
  const Descriptor file(OpenWithoutWaiting(path));
  if (file.get() < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  QH_RETURN_IF_ERROR(RegularFileBytes(file.get(), path).status());
  return ReadToTheEnd(file.get(), path, max_bytes);
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents) {
  const int64_t num_bytes = static_cast<int64_t>(contents.size());
  QH_ASSIGN_OR_RETURN(TemporaryFile file, TemporaryFile::Create(path, num_bytes));
  QH_RETURN_IF_ERROR(file.WriteAt(0, contents.data(), num_bytes));
  return file.TakeName();
}

absl::Status WriteAllAt(int fd, int64_t offset_bytes, const void* data, int64_t num_bytes,
                        const std::string& name) {
  for (const char* next = static_cast<const char*>(data); num_bytes > 0;) {
    const ssize_t written =
        pwrite(fd, next, static_cast<size_t>(num_bytes), static_cast<off_t>(offset_bytes));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, absl::StrCat("write ", name));
    next += written;
    offset_bytes += written;
    num_bytes -= written;
  }
  return absl::OkStatus();
}

absl::Status ReadAllAt(int fd, int64_t offset_bytes, void* data, int64_t num_bytes,
                       const std::string& name) {
  for (char* next = static_cast<char*>(data); num_bytes > 0;) {
    const ssize_t got =
        pread(fd, next, static_cast<size_t>(num_bytes), static_cast<off_t>(offset_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, absl::StrCat("read ", name));
    if (got == 0)
      return absl::DataLossError(absl::StrCat(name, ": ends at byte ", offset_bytes, ", ",
                                              num_bytes, " more were expected; restore the file"));
    next += got;
    offset_bytes += got;
    num_bytes -= got;
  }
  return absl::OkStatus();
}

absl::Status AppendAll(int fd, absl::string_view* rest, const std::string& name) {
  while (!rest->empty()) {
    const ssize_t written = write(fd, rest->data(), rest->size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, absl::StrCat("write ", name));
    rest->remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status AppendWhole(int fd, absl::string_view text, const std::string& name) {
  const off_t begin = lseek(fd, 0, SEEK_END);
  absl::string_view rest = text;
  absl::Status written = AppendAll(fd, &rest, name);
  if (rest.size() < text.size() && !written.ok() && ftruncate(fd, begin) != 0)
    return ErrnoStatus(errno, absl::StrCat("cut back ", name));
  return written;
}

absl::StatusOr<int64_t> FileBytes(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, absl::StrCat("look at ", path));
  return static_cast<int64_t>(info.st_size);
}

bool FileExists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

absl::StatusOr<bool> IsPresent(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoStatus(errno, absl::StrCat("look at ", path));
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return path;
  std::filesystem::path normal = absolute.lexically_normal();
  if (!normal.has_filename()) normal = normal.parent_path();  // for "folder/"
  return std::filesystem::equivalent(normal, absolute, error) ? normal : absolute;
}

std::string CanonicalPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? "" : std::filesystem::weakly_canonical(absolute, error).string();
}

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path) {
  std::error_code error;
  std::vector<std::string> names;
  // Not a range-for: its increment throws, as when a network file system fails on the way.
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) return ErrnoStatus(error.value(), absl::StrCat("list ", path));
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::vector<std::string>> ListFolderIfPresent(const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = ListFolder(path);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  return names;
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("make folder ", path));
  return absl::OkStatus();
}

absl::Status CheckMayMakeDirectories(const std::string& path) {
  const std::string place = NearestPresent(path);
  struct stat facts;
  if (stat(place.c_str(), &facts) == 0 && !S_ISDIR(facts.st_mode))
    return absl::FailedPreconditionError(
        absl::StrCat(path, " cannot be a folder: ", place, " is a file"));
  if (access(place.c_str(), W_OK | X_OK) != 0)
    return absl::FailedPreconditionError(
        absl::StrCat(path, " cannot be written: folder ", place, ": ", std::strerror(errno)));
  return absl::OkStatus();
}

absl::Status RenameFile(const std::string& from, const std::string& to) {
  struct stat facts;
  if (stat(to.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode))
    return absl::FailedPreconditionError(
        absl::StrCat(to, " is a device or a pipe, which a file would replace: name a file"));
  if (rename(from.c_str(), to.c_str()) != 0)
    return ErrnoStatus(errno, absl::StrCat("rename ", from, " to ", to));
  return FsyncDirectory(FolderOf(to));
}

absl::Status RemoveFileIfPresent(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, absl::StrCat("remove ", path));
  return absl::OkStatus();
}

absl::Status FsyncDirectory(const std::string& path) {
  const Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return ErrnoStatus(errno, absl::StrCat("open folder ", path));
  // EINVAL: a file system without fsync of folders.
  if (fsync(folder.get()) != 0 && errno != EINVAL)
    return ErrnoStatus(errno, absl::StrCat("fsync folder ", path));
  return absl::OkStatus();
}

absl::StatusOr<int64_t> FreeDiskBytes(const std::string& path) {
  struct statvfs info;
  if (statvfs(NearestPresent(path).c_str(), &info) != 0)
    return ErrnoStatus(errno, absl::StrCat("ask for the free space of ", path));
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  const Descriptor file(OpenWithoutWaiting(path));
  if (file.get() < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  MappedFile mapped;
  mapped.path_ = path;
  QH_ASSIGN_OR_RETURN(mapped.size_bytes_, RegularFileBytes(file.get(), path));
  if (mapped.size_bytes_ == 0) return mapped;
  void* data =
      mmap(nullptr, static_cast<size_t>(mapped.size_bytes_), PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) {
    mapped.size_bytes_ = 0;
    return ErrnoStatus(errno, absl::StrCat("map ", path));
  }
  mapped.data_ = static_cast<const uint8_t*>(data);
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(path_, other.path_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), static_cast<size_t>(size_bytes_));
}

absl::StatusOr<ReadableFile> ReadableFile::Open(const std::string& path) {
  ReadableFile file;
  file.path_ = path;
  file.fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.fd_ < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return file;
}

ReadableFile::ReadableFile(ReadableFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

ReadableFile::~ReadableFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status ReadableFile::ReadAt(int64_t offset_bytes, absl::Span<uint8_t> bytes) const {
  return ReadAllAt(fd_, offset_bytes, bytes.data(), static_cast<int64_t>(bytes.size()), path_);
}

absl::StatusOr<TemporaryFile> TemporaryFile::Create(const std::string& path, int64_t size_bytes) {
  QH_CHECK_GE(size_bytes, 0);
  const std::string temporary = path + ".tmp";
  TemporaryFile file;
  file.fd_ = open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file.fd_ < 0) return ErrnoStatus(errno, absl::StrCat("create ", temporary));
  file.path_ = path;
  QH_RETURN_IF_ERROR(Reserve(file.fd_, size_bytes, path));
  file.size_bytes_ = size_bytes;
  return file;
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      size_bytes_(other.size_bytes_) {}

TemporaryFile::~TemporaryFile() {
  if (mapped_ != nullptr) munmap(mapped_, static_cast<size_t>(size_bytes_));
  if (fd_ < 0) return;
  close(fd_);
  unlink((path_ + ".tmp").c_str());
}

absl::Status TemporaryFile::WriteAt(int64_t offset_bytes, const void* data, int64_t num_bytes) {
  QH_CHECK_GE(fd_, 0);
  QH_CHECK_GE(offset_bytes, 0);
  QH_CHECK_LE(offset_bytes, size_bytes_);
  QH_CHECK_LE(num_bytes, size_bytes_ - offset_bytes);
  return WriteAllAt(fd_, offset_bytes, data, num_bytes, path_ + ".tmp");
}

absl::StatusOr<absl::Span<uint8_t>> TemporaryFile::Map() {
  QH_CHECK_GE(fd_, 0);
  if (mapped_ == nullptr && size_bytes_ > 0) {
    void* data =
        mmap(nullptr, static_cast<size_t>(size_bytes_), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (data == MAP_FAILED) return ErrnoStatus(errno, absl::StrCat("map ", path_, ".tmp"));
    mapped_ = static_cast<uint8_t*>(data);
  }
  return absl::Span<uint8_t>(mapped_, static_cast<size_t>(size_bytes_));
}

absl::Status TemporaryFile::Finish() {
  QH_CHECK_GE(fd_, 0);
  if (mapped_ != nullptr) munmap(mapped_, static_cast<size_t>(size_bytes_));
  mapped_ = nullptr;
  // Also reports pages of the mapping that could not be written.
  if (fsync(fd_) != 0) return ErrnoStatus(errno, absl::StrCat("fsync ", path_, ".tmp"));
  if (close(std::exchange(fd_, -1)) != 0) {
    const int error = errno;
    unlink((path_ + ".tmp").c_str());
    return ErrnoStatus(error, absl::StrCat("close ", path_, ".tmp"));
  }
  return absl::OkStatus();
}

absl::Status TemporaryFile::TakeName() {
  QH_RETURN_IF_ERROR(Finish());
  const std::string temporary = path_ + ".tmp";
  const absl::Status renamed = RenameFile(temporary, path_);
  if (!renamed.ok()) unlink(temporary.c_str());
  return renamed;
}

}  // namespace quadhop
