#include "partition/scratch_file.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/status.h"

namespace quadhop {
namespace {

constexpr int64_t kMaxBytesACall = int64_t{1} << 30;

}  // namespace

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
  const int64_t begin = num_bytes_.fetch_add(num_bytes);
  for (int64_t done = 0; done < num_bytes;) {
    const ssize_t count =
        pwrite(fd_, static_cast<const char*>(data) + done,
               static_cast<size_t>(std::min(num_bytes - done, kMaxBytesACall)), begin + done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return ErrnoStatus(errno,
                         absl::StrCat("write ", num_bytes, " bytes of scratch in ", folder_));
    done += count;
  }
  return begin;
}

absl::Status ScratchFile::ReadAt(int64_t offset_bytes, void* data, int64_t num_bytes) const {
  for (int64_t done = 0; done < num_bytes;) {
    const ssize_t count =
        pread(fd_, static_cast<char*>(data) + done,
              static_cast<size_t>(std::min(num_bytes - done, kMaxBytesACall)), offset_bytes + done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return ErrnoStatus(count < 0 ? errno : EIO, absl::StrCat("read scratch of ", folder_));
    done += count;
  }
  return absl::OkStatus();
}

}  // namespace quadhop
