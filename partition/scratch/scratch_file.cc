#include "partition/scratch/scratch_file.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "core/base/status.h"
#include "core/files/file.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<ScratchFile>> ScratchFile::Create(const std::string& folder) {
  int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {  // not every file system can
    std::string name = folder + "/scratch.XXXXXX";
    fd = mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) (void)unlink(name.c_str());
  }
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("make a scratch file in ", folder));
  return std::unique_ptr<ScratchFile>(new ScratchFile(fd, folder));
}

ScratchFile::~ScratchFile() { close(fd_); }

absl::StatusOr<int64_t> ScratchFile::Append(const void* data, int64_t num_bytes) {
  const int64_t begin = Reserve(num_bytes);
  QH_RETURN_IF_ERROR(WriteAt(begin, data, num_bytes));
  return begin;
}

absl::Status ScratchFile::WriteAt(int64_t offset_bytes, const void* data, int64_t num_bytes) {
  return WriteAllAt(fd_, offset_bytes, data, num_bytes,
                    absl::StrCat(num_bytes, " bytes of scratch in ", folder_));
}

absl::Status ScratchFile::ReadAt(int64_t offset_bytes, void* data, int64_t num_bytes) const {
  return ReadAllAt(fd_, offset_bytes, data, num_bytes, absl::StrCat("scratch of ", folder_));
}

}  // namespace quadhop
