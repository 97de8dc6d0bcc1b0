#include "partition/import/bytes/zip_file.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <isa-l/crc.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/bytes/inflater.h"

namespace quadhop {
namespace {

constexpr size_t kInputBytes = size_t{256} << 10;
constexpr size_t kBlockBytes = size_t{1} << 20;

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseMember {
  void operator()(zip_file_t* member) const { (void)zip_fclose(member); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;

absl::StatusOr<Archive> OpenArchive(const std::string& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none))
    return absl::InvalidArgumentError(absl::StrCat(path, " is a folder: give the file itself"));
  int code = 0;
  // Each member's own header must agree with the archive's directory: a member whose name is
  // damaged would otherwise pass for one that is not there.
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (archive != nullptr) return archive;
  if (code == ZIP_ER_NOENT || code == ZIP_ER_OPEN) return ErrnoStatus(errno, "open " + path);
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = code == ZIP_ER_NOZIP
                                 ? "its directory, at the end, is missing, as in a file cut short"
                                 : zip_error_strerror(&error);
  zip_error_fini(&error);
  return absl::InvalidArgumentError(absl::StrCat(
      path, " is not a zip archive that can be read: ", reason, "; fetch or make it again"));
}

// A member, and the archive it is read through: each its own, so that several can be read at once.
class MemberSource : public ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path,
                                                          const std::string& name) {
    std::unique_ptr<MemberSource> source(new MemberSource);
    source->place_ = absl::StrCat(path, ": member ", name);
    QH_ASSIGN_OR_RETURN(source->archive_, OpenArchive(path));
    zip_stat_t stat;
    if (zip_stat(source->archive_.get(), name.c_str(), 0, &stat) != 0)
      return absl::NotFoundError(absl::StrCat(source->place_, " is not there"));
    if (stat.encryption_method != ZIP_EM_NONE)
      return absl::InvalidArgumentError(absl::StrCat(source->place_, " is encrypted"));
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
      return absl::InvalidArgumentError(
          absl::StrCat(source->place_, " is compressed by method ", stat.comp_method,
                       "; allowed: 0 (stored) and 8 (deflate), as numpy.savez writes them"));
    source->deflated_ = stat.comp_method == ZIP_CM_DEFLATE;
    source->expected_bytes_ = static_cast<int64_t>(stat.size);
    source->expected_crc_ = stat.crc;
    source->member_.reset(zip_fopen_index(source->archive_.get(), stat.index, ZIP_FL_COMPRESSED));
    if (source->member_ == nullptr)
      return absl::DataLossError(
          absl::StrCat(source->place_, ": ", zip_strerror(source->archive_.get())));
    return source;
  }

  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    int64_t written = 0;
    while (written < static_cast<int64_t>(out.size()) && !done_) {
      const absl::Span<char> rest = out.subspan(static_cast<size_t>(written));
      QH_ASSIGN_OR_RETURN(const int64_t count, deflated_ ? Inflate(rest) : Copy(rest));
      crc_ = crc32_gzip_refl(crc_, reinterpret_cast<const uint8_t*>(rest.data()),
                             static_cast<uint64_t>(count));
      num_bytes_ += count;
      written += count;
      if (done_) QH_RETURN_IF_ERROR(CheckWhole());
    }
    return written;
  }

 private:
  MemberSource() = default;

  absl::StatusOr<int64_t> Fetch(char* out, size_t num_bytes) {
    const zip_int64_t count = zip_fread(member_.get(), out, num_bytes);
    if (count < 0) return Error(zip_file_strerror(member_.get()));
    return int64_t{count};
  }

  absl::StatusOr<int64_t> Copy(absl::Span<char> out) {
    QH_ASSIGN_OR_RETURN(const int64_t count,
                        Fetch(out.data(), std::min(out.size(), size_t{1} << 30)));
    done_ = count == 0;
    return count;
  }

  absl::StatusOr<int64_t> Inflate(absl::Span<char> out) {
    if (at_ == input_.size()) {
      input_.resize(kInputBytes);
      QH_ASSIGN_OR_RETURN(const int64_t count,
                          Fetch(reinterpret_cast<char*>(input_.data()), input_.size()));
      input_.resize(static_cast<size_t>(count));
      at_ = 0;
    }
    const auto progress = inflater_.Inflate(absl::MakeConstSpan(input_).subspan(at_), out);
    if (!progress.ok()) return Error(absl::StrCat("it is corrupt: ", progress.status().message()));
    at_ += static_cast<size_t>(progress->bytes_in);
    done_ = progress->done;
    if (!done_ && progress->bytes_in == 0 && progress->bytes_out == 0)
      return Error("it is cut short: the deflated data end in the middle");
    return progress->bytes_out;
  }

  absl::Status CheckWhole() const {
    if (num_bytes_ != expected_bytes_)
      return Error(absl::StrCat("it has ", num_bytes_, " bytes, but the archive's directory says ",
                                expected_bytes_));
    return crc_ == expected_crc_ ? absl::OkStatus() : Error("it has a wrong checksum (CRC-32)");
  }

  absl::Status Error(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(place_, ", near byte ", num_bytes_, ": ", what,
                                            "; fetch or make the file again"));
  }

  std::string place_;
  Archive archive_;
  std::unique_ptr<zip_file_t, CloseMember> member_;  // closed before its archive
  bool deflated_ = false;
  bool done_ = false;
  int64_t expected_bytes_ = 0;
  int64_t num_bytes_ = 0;
  uint32_t expected_crc_ = 0;
  uint32_t crc_ = 0;
  Inflater inflater_{Inflater::Wrapper::kNone};
  std::vector<uint8_t> input_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<ZipFile> ZipFile::Open(const std::string& path) {
  ZipFile zip;
  zip.path_ = path;
  QH_ASSIGN_OR_RETURN(const Archive archive, OpenArchive(path));
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i)
    if (const char* name = zip_get_name(archive.get(), static_cast<zip_uint64_t>(i), 0))
      zip.members_.push_back(name);
  return zip;
}

bool ZipFile::Has(absl::string_view member) const {
  return std::find(members_.begin(), members_.end(), member) != members_.end();
}

absl::StatusOr<std::unique_ptr<ByteSource>> ZipFile::Read(const std::string& member) const {
  if (!Has(member))
    return absl::NotFoundError(absl::StrCat(path_, " has no member ", member,
                                            "; it has: ", absl::StrJoin(members_, ", ")));
  QH_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, MemberSource::Open(path_, member));
  return ReadAhead(std::move(source));
}

absl::StatusOr<std::string> ZipFile::ReadWhole(const std::string& member, int64_t max_bytes,
                                               const std::string& place) const {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> bytes, Read(member));
  std::string all;
  for (bool more = true; more;) {
    const size_t at = all.size();
    if (static_cast<int64_t>(at) > max_bytes)
      return absl::ResourceExhaustedError(
          absl::StrCat(place, " has more than ", max_bytes / 1000000,
                       " MB, the most that may be used: raise --memory"));
    all.resize(at + kBlockBytes);
    QH_ASSIGN_OR_RETURN(const int64_t count,
                        bytes->Read(absl::MakeSpan(all.data() + at, kBlockBytes)));
    all.resize(at + static_cast<size_t>(count));
    more = count > 0;
  }
  return all;
}

}  // namespace quadhop
