// Bytes read ahead by a thread of their own.
#include "partition/import/bytes/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// `text`, and then what `end` gives.
class TextSource : public ByteSource {
 public:
  using End = absl::StatusOr<int64_t> (*)();
  TextSource(std::string text, End end) : text_(std::move(text)), end_(end) {}
  absl::StatusOr<int64_t> Read(absl::Span<char> out) override {
    const size_t count = std::min(out.size(), text_.size() - at_);
    if (count < out.size() && end_ != nullptr && at_ == text_.size()) return end_();
    std::copy_n(text_.data() + at_, count, out.data());
    at_ += count;
    return static_cast<int64_t>(count);
  }

 private:
  const std::string text_;
  const End end_;
  size_t at_ = 0;
};

// All of it in pieces that fit no block, and the status at its end.
absl::Status ReadAll(ByteSource& source, std::string* all) {
  std::string piece(300001, ' ');
  for (;;) {
    const absl::StatusOr<int64_t> count = source.Read(absl::MakeSpan(piece));
    if (!count.ok() || *count == 0) return count.status();
    all->append(piece, 0, static_cast<size_t>(*count));
  }
}

std::string SomeText(size_t num_bytes) {
  std::string text(num_bytes, ' ');
  for (size_t i = 0; i < num_bytes; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST(ReadAhead, HandsOutWhatItsSourceHasInOrder) {
  for (const size_t num_bytes : {size_t{0}, size_t{10}, size_t{1} << 20, size_t{9000001}}) {
    const auto source = ReadAhead(std::make_unique<TextSource>(SomeText(num_bytes), nullptr));
    std::string all;
    EXPECT_OK(ReadAll(*source, &all));
    EXPECT_EQ(all, SomeText(num_bytes));
  }
}

TEST(ReadAhead, TheErrorOfItsSourceComesAfterWhatStoodBeforeIt) {
  const auto source = ReadAhead(std::make_unique<TextSource>(
      SomeText(size_t{3} << 20),
      []() -> absl::StatusOr<int64_t> { return absl::DataLossError("cut short"); }));
  std::string all;
  EXPECT_THAT(ReadAll(*source, &all), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(all, SomeText(size_t{3} << 20));
}

TEST(ReadAhead, RunningOutOfMemoryIsAnError) {
  const auto source = ReadAhead(std::make_unique<TextSource>(
      "", []() -> absl::StatusOr<int64_t> { throw std::bad_alloc(); }));
  std::string all;
  EXPECT_THAT(ReadAll(*source, &all), StatusIs(absl::StatusCode::kResourceExhausted,
                                               testing::HasSubstr("while reading ahead")));
}

TEST(ReadAhead, MayBeDroppedBeforeItsEnd) {
  const auto source = ReadAhead(std::make_unique<TextSource>(SomeText(size_t{20} << 20), nullptr));
  char first = ' ';
  EXPECT_THAT(source->Read(absl::MakeSpan(&first, 1)), IsOkAndHolds(1));
}

}  // namespace
}  // namespace quadhop
