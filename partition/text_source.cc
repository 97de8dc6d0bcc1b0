#include "partition/text_source.h"

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/file.h"
#include "core/status.h"

namespace quadhop {
namespace {

constexpr uint8_t kMagic[] = {0x1f, 0x8b};
// ISA-L counts bytes in 32 bits.
constexpr int64_t kMaxBytesACall = int64_t{1} << 30;

class PlainSource : public TextSource {
 public:
  explicit PlainSource(MappedFile file) : file_(std::move(file)) {}

  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    const absl::Span<const uint8_t> bytes = file_.bytes();
    const size_t count = std::min(out.size(), bytes.size() - at_);
    if (count > 0) std::memcpy(out.data(), bytes.data() + at_, count);
    at_ += count;
    return static_cast<int64_t>(count);
  }

 private:
  MappedFile file_;
  size_t at_ = 0;
};

const char* ReasonOf(int code) {
  switch (code) {
    case ISAL_INVALID_BLOCK:
      return "an invalid block";
    case ISAL_INVALID_SYMBOL:
      return "an invalid symbol";
    case ISAL_INVALID_LOOKBACK:
      return "an invalid distance";
    case ISAL_INVALID_WRAPPER:
      return "an invalid gzip header";
    case ISAL_UNSUPPORTED_METHOD:
      return "an unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "a wrong checksum (CRC-32)";
    default:
      return "an error of the inflater";
  }
}

class GzipSource : public TextSource {
 public:
  explicit GzipSource(MappedFile file)
      : file_(std::move(file)), state_(std::make_unique<inflate_state>()) {
    next_ = file_.bytes().data();
    end_ = next_ + file_.bytes().size();
    BeginMember();
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

 private:
  void BeginMember() {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;  // the inflater reads headers and checks the CRC-32 itself
    between_members_ = false;
  }

  absl::StatusOr<bool> FindMember() {
    while (next_ != end_ && *next_ == 0) ++next_;
    if (next_ == end_) return false;
    if (end_ - next_ < 2 || next_[0] != kMagic[0] || next_[1] != kMagic[1])
      return Error("has bytes after its gzip data that are neither gzip nor padding");
    BeginMember();
    return true;
  }

  absl::StatusOr<int64_t> Inflate(absl::Span<char> out) {
    state_->next_in = const_cast<uint8_t*>(next_);  // ISA-L does not write to it
    state_->avail_in = static_cast<uint32_t>(std::min<int64_t>(end_ - next_, kMaxBytesACall));
    state_->next_out = reinterpret_cast<uint8_t*>(out.data());
    state_->avail_out =
        static_cast<uint32_t>(std::min<int64_t>(static_cast<int64_t>(out.size()), kMaxBytesACall));
    const int code = isal_inflate(state_.get());
    const int64_t count = state_->next_out - reinterpret_cast<uint8_t*>(out.data());
    const bool stuck = state_->next_in == next_ && count == 0;
    next_ = state_->next_in;
    if (code < 0) return Error(absl::StrCat("is corrupt: ", ReasonOf(code)));
    if (code == ISAL_NEED_DICT) return Error("is corrupt: it asks for a preset dictionary");
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      between_members_ = true;
    } else if (next_ == end_ && (count == 0 || stuck)) {
      return Error("is cut short: the gzip data end in the middle");
    }
    return count;
  }

  absl::Status Error(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(file_.path(), " ", what, ", near byte ",
                                            next_ - file_.bytes().data(), " of ",
                                            file_.bytes().size(), "; fetch or make it again"));
  }

  MappedFile file_;
  std::unique_ptr<inflate_state> state_;
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool between_members_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TextSource>> TextSource::Open(const std::string& path) {
  QH_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  const absl::Span<const uint8_t> bytes = file.bytes();
  if (bytes.size() >= 2 && bytes[0] == kMagic[0] && bytes[1] == kMagic[1])
    return std::make_unique<GzipSource>(std::move(file));
  return std::make_unique<PlainSource>(std::move(file));
}

}  // namespace quadhop
