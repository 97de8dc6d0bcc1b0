#include "core/files/checksum.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kEmptyXxh3 =
    0x2d06800538d394c2;  // XXH3_64bits of nothing, by the specification's test vectors

TEST(Checksum, IsXxh3) {
  EXPECT_EQ(Xxh3(nullptr, 0), kEmptyXxh3);
  EXPECT_EQ(HexOf(kEmptyXxh3), "2d06800538d394c2");
  EXPECT_EQ(HexOf(0x1f), "000000000000001f");
}

TEST(Checksum, HexIsReadBackAndAnythingElseRefused) {
  EXPECT_EQ(ParseHex("2d06800538d394c2").value(), kEmptyXxh3);
  for (const char* bad : {"", "1f", "2d06800538d394c", "2d06800538d394c22", "0x06800538d394c2",
                          "2d06800538d394g2", " d06800538d394c2"})
    EXPECT_THAT(ParseHex(bad),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16 hexadecimal digits")))
        << bad;
}

class ChunksTest : public testing::Test {
 protected:
  // Two whole chunks and a rest.
  static constexpr int64_t kBytes = 2 * kChecksumChunkBytes + 1000;
  ChunksTest() : bytes_(static_cast<size_t>(kBytes), 7) {}
  absl::Status Verify(int64_t begin, int64_t end) {
    return VerifyChunks(bytes_, checksums_, begin, end, "x.npy", pool_);
  }

  ThreadPool pool_{2};
  std::vector<uint8_t> bytes_;
  const FileChecksums checksums_ = FileChecksums::Of(bytes_, pool_);
};

TEST_F(ChunksTest, EachChunkHasTheChecksumOfItsBytes) {
  ASSERT_EQ(checksums_.file_bytes, kBytes);
  ASSERT_EQ(checksums_.chunks.size(), 3u);
  EXPECT_EQ(checksums_.chunks[0], Xxh3(bytes_.data(), 64 << 20));
  EXPECT_EQ(checksums_.chunks[2], Xxh3(bytes_.data() + (128 << 20), 1000));
}

TEST_F(ChunksTest, AWrongByteIsFoundInItsChunkAndNoOther) {
  EXPECT_OK(Verify(0, kBytes));
  bytes_[static_cast<size_t>(kChecksumChunkBytes)] ^= 1;  // the first of the second chunk
  EXPECT_THAT(Verify(0, kBytes),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("x.npy"), HasSubstr("[67108864, 134217728)"))));
  EXPECT_OK(Verify(0, kChecksumChunkBytes));
  EXPECT_OK(Verify(2 * kChecksumChunkBytes, kBytes));
  // A range is checked by the whole chunks that it touches.
  EXPECT_THAT(Verify(2 * kChecksumChunkBytes - 1, kBytes), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Verify(5, kChecksumChunkBytes + 1), StatusIs(absl::StatusCode::kDataLoss));
  bytes_.back() ^= 0x80;
  EXPECT_THAT(Verify(0, kBytes),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("and 1 more range")));
}

TEST_F(ChunksTest, AnotherSizeIsFound) {
  bytes_.pop_back();
  EXPECT_THAT(Verify(0, 10), StatusIs(absl::StatusCode::kDataLoss,
                                      AllOf(HasSubstr("134218727"), HasSubstr("134218728"))));
}

TEST_F(ChunksTest, TheSidecarIsReadBack) {
  ASSERT_OK_AND_ASSIGN(const FileChecksums read,
                       FileChecksums::FromText(checksums_.ToText(), "x.npy.xxh3"));
  EXPECT_EQ(read.file_bytes, kBytes);
  EXPECT_EQ(read.chunks, checksums_.chunks);
}

TEST(Sidecar, OfAnEmptyFileHasNoChunks) {
  ThreadPool pool(1);
  const FileChecksums empty = FileChecksums::Of({}, pool);
  EXPECT_TRUE(FileChecksums::FromText(empty.ToText(), "x").value().chunks.empty());
  EXPECT_OK(VerifyChunks({}, empty, 0, 0, "x", pool));
}

TEST(Sidecar, DamageIsAnErrorThatNamesTheLine) {
  const std::string head = "quadhop-xxh3 1\n";
  const std::string sum = "0123456789abcdef\n";
  EXPECT_OK(FileChecksums::FromText(absl::StrCat(head, "5\n", sum), "x.xxh3"));
  const auto names_line = [](int line) {
    return StatusIs(absl::StatusCode::kDataLoss, HasSubstr(absl::StrCat("x.xxh3:", line, ":")));
  };
  EXPECT_THAT(FileChecksums::FromText("", "x.xxh3"), names_line(1));
  EXPECT_THAT(FileChecksums::FromText("quadhop-xxh3 2\n5\n", "x.xxh3"), names_line(1));
  EXPECT_THAT(FileChecksums::FromText(head, "x.xxh3"), names_line(2));
  EXPECT_THAT(FileChecksums::FromText(absl::StrCat(head, "-5\n", sum), "x.xxh3"), names_line(2));
  EXPECT_THAT(FileChecksums::FromText(absl::StrCat(head, "9223372036854775807\n", sum), "x.xxh3"),
              names_line(3));
  EXPECT_THAT(FileChecksums::FromText(absl::StrCat(head, "5\n"), "x.xxh3"), names_line(2));
  EXPECT_THAT(FileChecksums::FromText(absl::StrCat(head, "5\n", sum, sum), "x.xxh3"),
              names_line(4));
  EXPECT_THAT(FileChecksums::FromText(absl::StrCat(head, "5\n0123456789abcdeg\n"), "x.xxh3"),
              names_line(3));
}

}  // namespace
}  // namespace quadhop
