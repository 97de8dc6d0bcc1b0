#include "partition/synth/gzip_writer.h"

#include <isa-l/igzip_lib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/file.h"

namespace quadhop {
namespace {

// A file written beside `path`; removed unless it takes its name.
class NewFile {
 public:
  static absl::StatusOr<std::unique_ptr<NewFile>> Create(const std::string& path) {
    std::unique_ptr<NewFile> made(new NewFile(path));
    if (made->file_ == nullptr) return ErrnoStatus(errno, absl::StrCat("create ", made->Beside()));
    return made;
  }
  ~NewFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::remove(Beside().c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  absl::Status Append(absl::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
      return ErrnoStatus(errno, absl::StrCat("write ", Beside()));
    return absl::OkStatus();
  }

  absl::Status TakeName() {
    if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0)
      return ErrnoStatus(errno, absl::StrCat("write ", Beside()));
    const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
    const absl::Status status =
        closed ? RenameFile(Beside(), path_) : ErrnoStatus(errno, absl::StrCat("close ", Beside()));
    if (!status.ok()) std::remove(Beside().c_str());
    return status;
  }

 private:
  explicit NewFile(const std::string& path)
      : path_(path), file_(std::fopen(Beside().c_str(), "wb")) {}
  std::string Beside() const { return path_ + ".tmp"; }
  std::string path_;
  std::FILE* file_;
};

}  // namespace

std::string GzipMember(absl::string_view text) {
  QH_CHECK_LT(text.size(), size_t{1} << 30);
  std::vector<uint8_t> level_buffer(ISAL_DEF_LVL1_DEFAULT);
  auto stream = std::make_unique<isal_zstream>();
  isal_deflate_init(stream.get());
  stream->level = 1;
  stream->level_buf = level_buffer.data();
  stream->level_buf_size = static_cast<uint32_t>(level_buffer.size());
  stream->gzip_flag = IGZIP_GZIP;
  stream->end_of_stream = 1;
  stream->flush = NO_FLUSH;
  // ISA-L does not write to its input.
  stream->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  stream->avail_in = static_cast<uint32_t>(text.size());
  std::string out;
  while (stream->internal_state.state != ZSTATE_END) {
    const size_t written = out.size();
    out.resize(written + std::max<size_t>(text.size() / 2, 4096));
    stream->next_out = reinterpret_cast<uint8_t*>(out.data()) + written;
    stream->avail_out = static_cast<uint32_t>(out.size() - written);
    const int code = isal_deflate(stream.get());
    QH_CHECK_EQ(code, COMP_OK);
    out.resize(out.size() - stream->avail_out);
  }
  return out;
}

absl::Status WriteGzipFile(const std::string& path, int64_t num_blocks,
                           const std::function<std::string(int64_t block)>& text_of_block,
                           ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<NewFile> file, NewFile::Create(path));
  if (num_blocks == 0) QH_RETURN_IF_ERROR(file->Append(GzipMember("")));
  const int64_t batch = int64_t{4} * pool.num_threads();
  std::vector<std::string> members(static_cast<size_t>(batch));
  for (int64_t first = 0; first < num_blocks; first += batch) {
    const int64_t count = std::min(batch, num_blocks - first);
    pool.ParallelFor(count, [&](int64_t i, int) {
      members[static_cast<size_t>(i)] = GzipMember(text_of_block(first + i));
    });
    for (int64_t i = 0; i < count; ++i)
      QH_RETURN_IF_ERROR(file->Append(members[static_cast<size_t>(i)]));
  }
  return file->TakeName();
}

}  // namespace quadhop
