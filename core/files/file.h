// Files: mapped for reading; written under a temporary name and renamed, so that a reader never
// sees half a file.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// The byte order mark of UTF-8, which some editors write before a text.
inline constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

// The whole of a small text or binary file. kNotFound, kPermissionDenied, kInternal;
// kResourceExhausted if it is larger than max_bytes.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes = int64_t{1} << 30);

// The same for a regular file. kInvalidArgument if it is of another kind, such as a pipe, which
// ReadFile would wait for.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path,
                                            int64_t max_bytes = int64_t{1} << 30);

// Writes `path`.tmp, fsyncs, renames it to `path`, fsyncs the folder. On error the .tmp is removed
// and `path` unchanged, unless it is the folder's fsync that failed.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view contents);

// Write and read all num_bytes, in as many system calls as that takes, to and from an open file;
// errors name `name`.
absl::Status WriteAllAt(int fd, int64_t offset_bytes, const void* data, int64_t num_bytes,
                        const std::string& name);
// kDataLoss if the file ends before.
absl::Status ReadAllAt(int fd, int64_t offset_bytes, void* data, int64_t num_bytes,
                       const std::string& name);
// Writes `rest` at the end of a file, or where the last call ended. What has been written is
// removed from `rest`, on error too.
absl::Status AppendAll(int fd, absl::string_view* rest, const std::string& name);
// Appends `text` to a file, or on error nothing of it.
absl::Status AppendWhole(int fd, absl::string_view text, const std::string& name);

absl::StatusOr<int64_t> FileBytes(const std::string& path);
bool FileExists(const std::string& path);
// The same, but if that cannot be determined, as without permission for a folder above it, an error
// that says why: kPermissionDenied, kInternal.
absl::StatusOr<bool> IsPresent(const std::string& path);
// One spelling for an existing path: absolute, without "." and "..", links left as they are. Only
// made absolute if ".." follows a link or nothing is there.
std::string AbsolutePath(const std::string& path);
// Where a path leads: absolute, following links as far as anything is there. "" if that cannot be
// told (links that lead in a circle).
std::string CanonicalPath(const std::string& path);
// The names of a folder's entries, sorted. kNotFound if there is no such folder.
absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& path);
// The same; none if there is no such folder.
absl::StatusOr<std::vector<std::string>> ListFolderIfPresent(const std::string& path);
absl::Status MakeDirectories(const std::string& path);  // and parents; no error if present
// Whether MakeDirectories could make `path`, and files could be made in it, as far as can be seen:
// if not, kFailedPrecondition naming the obstacle. Makes nothing.
absl::Status CheckMayMakeDirectories(const std::string& path);
// Also fsyncs the folder. kFailedPrecondition if `to` is a device, a pipe or a socket.
absl::Status RenameFile(const std::string& from, const std::string& to);
absl::Status RemoveFileIfPresent(const std::string& path);
absl::Status FsyncDirectory(const std::string& path);
// The free space on the file system that holds `path`, or will hold it: that of the nearest
// existing folder above it.
absl::StatusOr<int64_t> FreeDiskBytes(const std::string& path);

// A read-only mapping of a whole file. Moves, does not copy. The bytes live as long as the object.
// Thread-safe.
class MappedFile {
 public:
  // kInvalidArgument if it is not a regular file, kNotFound, kPermissionDenied, kInternal.
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  absl::Span<const uint8_t> bytes() const { return {data_, static_cast<size_t>(size_bytes_)}; }
  absl::string_view text() const { return {reinterpret_cast<const char*>(data_), bytes().size()}; }
  const std::string& path() const { return path_; }

 private:
  const uint8_t* data_ = nullptr;
  int64_t size_bytes_ = 0;
  std::string path_;
};

// A file opened for reading at any offset: for data that the caller keeps in memory, where a
// mapping would hold it twice. Moves, does not copy. Thread-safe.
class ReadableFile {
 public:
  static absl::StatusOr<ReadableFile> Open(const std::string& path);
  ReadableFile(ReadableFile&& other) noexcept;
  ReadableFile& operator=(ReadableFile&&) = delete;
  ~ReadableFile();

  // Fills `bytes` from the file's byte `offset_bytes` on. kDataLoss if the file ends before.
  absl::Status ReadAt(int64_t offset_bytes, absl::Span<uint8_t> bytes) const;

 private:
  ReadableFile() = default;
  std::string path_;
  int fd_ = -1;
};

// Writes `path`.tmp, which TakeName() renames to `path`; or Finish() fsyncs and closes it, and the
// caller renames it when the step that it is part of is complete (see StoreWriter). WriteAt may be
// called from several threads if their ranges do not overlap. A file that is destroyed before that
// is removed.
class TemporaryFile {
 public:
  // Reserves size_bytes on disk at once: kResourceExhausted, naming the bytes needed and free, if
  // there is no room. If the file system cannot reserve, only the current free space is checked: if
  // it is gone later, WriteAt fails, and a write to the mapping ends the process (SIGBUS).
  static absl::StatusOr<TemporaryFile> Create(const std::string& path, int64_t size_bytes);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();

  absl::Status WriteAt(int64_t offset_bytes, const void* data, int64_t num_bytes);
  // The whole file, mapped for writing; valid until Finish() or TakeName().
  absl::StatusOr<absl::Span<uint8_t>> Map();
  absl::Status Finish();
  // Finish(), then RenameFile to `path`. On error the .tmp is removed.
  absl::Status TakeName();
  const std::string& path() const { return path_; }  // the final path, without .tmp

 private:
  TemporaryFile() = default;
  std::string path_;
  int fd_ = -1;
  uint8_t* mapped_ = nullptr;
  int64_t size_bytes_ = 0;
};

}  // namespace quadhop
