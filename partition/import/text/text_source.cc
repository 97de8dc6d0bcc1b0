#include "partition/import/text/text_source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/bytes/inflater.h"

namespace quadhop {
namespace {

constexpr uint8_t kMagic[] = {0x1f, 0x8b};

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(MappedFile file)
      : file_(std::move(file)), inflater_(Inflater::Wrapper::kGzip) {
    next_ = file_.bytes().data();
    end_ = next_ + file_.bytes().size();
  }

  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    int64_t written = 0;
    const int64_t wanted = static_cast<int64_t>(out.size());
    while (written < wanted) {
      if (between_members_) {
        QH_ASSIGN_OR_RETURN(const bool more, FindMember());
        if (!more) break;
      }
      QH_ASSIGN_OR_RETURN(const int64_t count, Inflate(out.subspan(static_cast<size_t>(written))));
      written += count;
    }
    return written;
  }
  double share_read() const override {
    const absl::Span<const uint8_t> bytes = file_.bytes();
    return static_cast<double>(next_ - bytes.data()) / static_cast<double>(bytes.size());
  }

 private:
  absl::StatusOr<bool> FindMember() {
    while (next_ != end_ && *next_ == 0) ++next_;
    if (next_ == end_) return false;
    if (end_ - next_ < 2 || next_[0] != kMagic[0] || next_[1] != kMagic[1])
      return Error("has bytes after its gzip data that are neither gzip nor padding");
    inflater_.Begin();
    between_members_ = false;
    return true;
  }

  absl::StatusOr<int64_t> Inflate(absl::Span<char> out) {
    const auto progress = inflater_.Inflate({next_, static_cast<size_t>(end_ - next_)}, out);
    if (!progress.ok()) return Error(absl::StrCat("is corrupt: ", progress.status().message()));
    next_ += progress->bytes_in;
    between_members_ = progress->done;
    if (!progress->done && next_ == end_ && progress->bytes_out == 0)
      return Error("is cut short: the gzip data end in the middle");
    return progress->bytes_out;
  }

  absl::Status Error(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(file_.path(), " ", what, ", near byte ",
                                            next_ - file_.bytes().data(), " of ",
                                            file_.bytes().size(), "; fetch or make it again"));
  }

  MappedFile file_;
  Inflater inflater_;
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool between_members_ = false;
};

// The same bytes without a byte order mark before them.
class UnmarkedSource : public ByteSource {
 public:
  explicit UnmarkedSource(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    if (!begun_) {
      begun_ = true;
      head_.resize(kByteOrderMark.size());
      QH_ASSIGN_OR_RETURN(const int64_t count,
                          source_->Read(absl::MakeSpan(head_.data(), head_.size())));
      head_.resize(static_cast<size_t>(count));
      if (head_ == kByteOrderMark) head_.clear();
    }
    const size_t first = std::min(head_.size(), out.size());
    std::copy_n(head_.begin(), first, out.begin());
    head_.erase(0, first);
    if (first == out.size()) return static_cast<int64_t>(first);
    QH_ASSIGN_OR_RETURN(const int64_t count, source_->Read(out.subspan(first)));
    return static_cast<int64_t>(first) + count;
  }
  double share_read() const override { return source_->share_read(); }

 private:
  std::unique_ptr<ByteSource> source_;
  bool begun_ = false;
  std::string head_;  // that is still to be handed out
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenText(const std::string& path) {
  QH_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  const absl::Span<const uint8_t> bytes = file.bytes();
  std::unique_ptr<ByteSource> source;
  if (bytes.size() >= 2 && bytes[0] == kMagic[0] && bytes[1] == kMagic[1]) {
    source = std::make_unique<GzipSource>(std::move(file));
  } else {
    source = ReadMapped(std::move(file));
  }
  return std::make_unique<UnmarkedSource>(std::move(source));
}

}  // namespace quadhop
