// Gzip text, as every importer of text reads it.
#include <absl/strings/match.h>

#include <utility>

#include "core/base/status.h"
#include "partition/import/text/text_source.h"
#include "partition/synth/gzip_writer.h"
#include "tests/fuzz/reader.h"
#include "tests/partition/import/import_testing.h"

namespace quadhop {
namespace {

class GzipReader : public Reader {
 public:
  GzipReader(std::vector<std::string> seeds, Notices notices)
      : seeds_(std::move(seeds)), notices_(notices) {}

  Notices notices() const override { return notices_; }
  std::vector<std::string> Seeds() const override { return seeds_; }

  absl::StatusOr<std::string> Read(absl::string_view bytes) override {
    // Other text is read as it is.
    if (!absl::StartsWith(bytes, "\x1f\x8b")) return absl::InvalidArgumentError("not gzip");
    WriteBytes(path_, bytes);
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenText(path_));
    std::string text;
    std::string block(size_t{1} << 16, '\0');
    for (int64_t count = 1; count > 0 && text.size() < kMaxBytes;) {
      QH_ASSIGN_OR_RETURN(count, source->Read(absl::MakeSpan(block.data(), block.size())));
      text.append(block.data(), static_cast<size_t>(count));
    }
    return text;
  }

 private:
  static constexpr size_t kMaxBytes = size_t{16} << 20;
  const std::vector<std::string> seeds_;
  const Notices notices_;
  TempDir folder_;
  const std::string path_ = folder_ / "a.gz";
};

}  // namespace

std::unique_ptr<Reader> MakeGzipReader() {
  return std::make_unique<GzipReader>(
      std::vector<std::string>{GzipOf("0 1\n1 2\n"),
                               GzipMember("0 1\n1 2\n2 3\n3 4\n4 5\n10 11\n11 12\n12 13\n")},
      Reader::Notices::kAllDamage);
}

// A file that ends between two members is whole.
std::unique_ptr<Reader> MakeGzipMembersReader() {
  return std::make_unique<GzipReader>(
      std::vector<std::string>{GzipOf("0 1\n") + GzipMember("1 2\n") + std::string(3, '\0')},
      Reader::Notices::kNothing);
}

}  // namespace quadhop
