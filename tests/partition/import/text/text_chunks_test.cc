#include "partition/import/text/text_chunks.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "tests/partition/import/import_testing.h"

namespace quadhop {
namespace {

// The whole text as ForEach gives it, and a check of the line numbers and of shares.
absl::StatusOr<std::string> ReadAll(const std::string& path, int num_threads = 3) {
  absl::StatusOr<std::unique_ptr<TextChunks>> chunks = TextChunks::Open(path);
  if (!chunks.ok()) return chunks.status();
  ThreadPool pool(num_threads);
  std::mutex mutex;
  std::map<int64_t, TextChunk> by_line;
  const absl::StatusOr<int64_t> lines =
      (*chunks)->ForEach(pool, [&](const TextChunk& chunk, int) -> absl::Status {
        std::lock_guard<std::mutex> lock(mutex);
        by_line[chunk.first_line] = chunk;
        return absl::OkStatus();
      });
  if (!lines.ok()) return lines.status();
  std::string text;
  int64_t next_line = 0;
  double share_read = 0;
  for (const auto& [line, chunk] : by_line) {
    EXPECT_EQ(line, next_line);
    EXPECT_GE(chunk.share_read, share_read);
    share_read = chunk.share_read;
    next_line += chunk.num_lines;
    text += chunk.text;
  }
  EXPECT_EQ(next_line, *lines);
  EXPECT_LE(share_read, 1);
  EXPECT_GE(share_read, text.empty() ? 0 : 0.9);  // blank lines may come after
  EXPECT_EQ((*chunks)->text_bytes(), static_cast<int64_t>(text.size()));
  return text;
}

std::string ManyLines(int64_t num_lines) {
  std::string text;
  for (int64_t i = 0; i < num_lines; ++i) text += std::to_string(i * 7919) + "," + "\n";
  return text;
}

TEST(TextChunks, GiveEveryLineOfALongFileOnce) {
  const InputFolder folder;
  const std::string text = ManyLines(2'000'000);  // about 20 MB, ten chunks
  ASSERT_GT(text.size(), size_t{5} * TextChunks::kChunkBytes);
  folder.Write("a.csv", text);
  folder.Write("a.csv.gz", GzipOf(text));
  for (const int num_threads : {1, 3}) {
    EXPECT_EQ(*ReadAll(folder / "a.csv", num_threads), text);
    EXPECT_EQ(*ReadAll(folder / "a.csv.gz", num_threads), text);
  }
}

TEST(TextChunks, ReadSeveralGzipMembersAndPaddingAsOneText) {
  const InputFolder folder;
  const std::string text = ManyLines(500'000);
  folder.Write("a.gz", GzipOf(text.substr(0, 1001)) + GzipOf("") + GzipOf(text.substr(1001)) +
                           std::string(512, '\0'));
  EXPECT_EQ(*ReadAll(folder / "a.gz"), text);
}

TEST(TextChunks, TellGzipByItsBytesAndNotByItsName) {
  const InputFolder folder;
  folder.Write("plain.gz", "1\n2\n");
  folder.Write("packed.csv", GzipOf("1\n2\n"));
  EXPECT_EQ(*ReadAll(folder / "plain.gz"), "1\n2\n");
  EXPECT_EQ(*ReadAll(folder / "packed.csv"), "1\n2\n");
}

TEST(TextChunks, EndTheLastLineAndDropBlankOnesAtTheEnd) {
  const InputFolder folder;
  folder.Write("a", "1\n2");
  EXPECT_EQ(*ReadAll(folder / "a"), "1\n2\n");
  folder.Write("b", "1\n\n2\n\n\r\n\n");
  EXPECT_EQ(*ReadAll(folder / "b"), "1\n\n2\n");
  folder.Write("c", "");
  EXPECT_EQ(*ReadAll(folder / "c"), "");
  // Blank lines on both sides of a chunk's end are still the end of the file.
  const std::string full(TextChunks::kChunkBytes - 10, 'x');
  folder.Write("d", full + std::string(20, '\n'));
  EXPECT_EQ(*ReadAll(folder / "d"), full + "\n");
}

TEST(TextChunks, TakeLinesLongerThanAChunk) {
  const InputFolder folder;
  const std::string text =
      std::string(3 * TextChunks::kChunkBytes, 'x') + "\n" + std::string(10, 'y') + "\n";
  folder.Write("a", text);
  EXPECT_EQ(*ReadAll(folder / "a"), text);
}

TEST(TextChunks, ReportAFileCutShort) {
  const InputFolder folder;
  const std::string packed = GzipOf(ManyLines(1000));
  for (const size_t kept : {packed.size() - 1, packed.size() / 2, size_t{14}, size_t{5}}) {
    folder.Write("a.gz", packed.substr(0, kept));
    const absl::Status status = ReadAll(folder / "a.gz").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << kept << " " << status;
    EXPECT_NE(status.message().find("a.gz is cut short"), std::string::npos) << status;
  }
}

TEST(TextChunks, ReportCorruptData) {
  const InputFolder folder;
  std::string wrong_text = GzipOf(ManyLines(1000));
  wrong_text[1000] ^= 1;
  folder.Write("crc.gz", wrong_text);
  std::string wrong_block = GzipOf(ManyLines(1000));
  wrong_block[10] = '\7';  // block type 3 does not exist
  folder.Write("block.gz", wrong_block);
  folder.Write("tail.gz", GzipOf("1\n") + "tail");
  const absl::Status crc = ReadAll(folder / "crc.gz").status();
  EXPECT_EQ(crc.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(crc.message().find("checksum"), std::string::npos) << crc;
  const absl::Status block = ReadAll(folder / "block.gz").status();
  EXPECT_EQ(block.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(block.message().find("invalid block"), std::string::npos) << block;
  const absl::Status tail = ReadAll(folder / "tail.gz").status();
  EXPECT_EQ(tail.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(tail.message().find("after its gzip data"), std::string::npos) << tail;
}

TEST(TextChunks, ReturnTheFirstErrorInFileOrder) {
  const InputFolder folder;
  folder.Write("a", ManyLines(2'000'000));
  absl::StatusOr<std::unique_ptr<TextChunks>> chunks = TextChunks::Open(folder / "a");
  ASSERT_TRUE(chunks.ok());
  ThreadPool pool(3);
  const absl::Status status =
      (*chunks)
          ->ForEach(pool,
                    [&](const TextChunk& chunk, int) -> absl::Status {
                      if (chunk.first_line == 0) return absl::OkStatus();
                      return absl::InternalError(std::to_string(chunk.first_line));
                    })
          .status();
  // The second chunk's first line: as many as fit whole into the first.
  const std::string first = ManyLines(2'000'000).substr(0, TextChunks::kChunkBytes);
  EXPECT_EQ(status.message(), std::to_string(std::count(first.begin(), first.end(), '\n')));
}

}  // namespace
}  // namespace quadhop
