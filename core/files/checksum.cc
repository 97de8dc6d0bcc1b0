#include "core/files/checksum.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <xxhash.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr absl::string_view kMagic = "quadhop-xxh3 1";

uint64_t ChunkChecksum(absl::Span<const uint8_t> bytes, int64_t chunk) {
  const BlockRange range = Block(chunk, static_cast<int64_t>(bytes.size()), kChecksumChunkBytes);
  return Xxh3(bytes.data() + range.begin, static_cast<size_t>(range.end - range.begin));
}

absl::Status BadLine(absl::string_view name, int64_t line, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(name, ":", line, ": ", what,
                                          "; the checksum file is damaged: make the store again"));
}

}  // namespace

uint64_t Xxh3(const void* data, size_t num_bytes) { return XXH3_64bits(data, num_bytes); }

std::string HexOf(uint64_t checksum) { return absl::StrFormat("%016x", checksum); }

absl::StatusOr<uint64_t> ParseHex(absl::string_view digits) {
  uint64_t value = 0;
  const bool all_hex = std::all_of(digits.begin(), digits.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (digits.size() != 16 || !all_hex || !absl::SimpleHexAtoi(digits, &value))
    return absl::InvalidArgumentError(
        absl::StrCat("'", digits, "' is not a checksum: 16 hexadecimal digits are needed"));
  return value;
}

std::string ChecksumLine(absl::string_view body) {
  return absl::StrCat("checksum: \"", HexOf(Xxh3(body.data(), body.size())), "\"\n");
}

bool EndsWithItsChecksum(absl::string_view manifest) {
  const size_t line_bytes = ChecksumLine("").size();
  if (manifest.size() < line_bytes) return false;
  const absl::string_view body = manifest.substr(0, manifest.size() - line_bytes);
  return manifest.substr(body.size()) == ChecksumLine(body);
}

FileChecksums FileChecksums::Of(absl::Span<const uint8_t> bytes, ThreadPool& pool) {
  FileChecksums checksums;
  checksums.file_bytes = static_cast<int64_t>(bytes.size());
  checksums.chunks.resize(
      static_cast<size_t>(NumBlocks(checksums.file_bytes, kChecksumChunkBytes)));
  pool.ParallelFor(static_cast<int64_t>(checksums.chunks.size()), [&](int64_t chunk, int) {
    checksums.chunks[static_cast<size_t>(chunk)] = ChunkChecksum(bytes, chunk);
  });
  return checksums;
}

std::string FileChecksums::ToText() const {
  std::string text = absl::StrCat(kMagic, "\n", file_bytes, "\n");
  for (const uint64_t chunk : chunks) absl::StrAppend(&text, HexOf(chunk), "\n");
  return text;
}

absl::StatusOr<FileChecksums> FileChecksums::FromText(absl::string_view text,
                                                      absl::string_view name) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines[0] != kMagic)
    return BadLine(name, 1,
                   absl::StrCat("got '", lines[0].substr(0, 40), "', need '", kMagic, "'"));
  if (lines.back().empty()) lines.pop_back();
  FileChecksums checksums;
  if (lines.size() < 2 || !absl::SimpleAtoi(lines[1], &checksums.file_bytes) ||
      checksums.file_bytes < 0)
    return BadLine(name, 2, "the size of the file in bytes is missing or not a number");
  const int64_t num_chunks = NumBlocks(checksums.file_bytes, kChecksumChunkBytes);
  const int64_t num_lines = static_cast<int64_t>(lines.size()) - 2;
  if (num_lines != num_chunks)
    return BadLine(name, static_cast<int64_t>(lines.size()),
                   absl::StrCat("got ", num_lines, " chunk checksums, need ", num_chunks, " for ",
                                checksums.file_bytes, " bytes"));
  for (size_t i = 2; i < lines.size(); ++i) {
    absl::StatusOr<uint64_t> chunk = ParseHex(lines[i]);
    if (!chunk.ok()) return BadLine(name, static_cast<int64_t>(i) + 1, chunk.status().message());
    checksums.chunks.push_back(*chunk);
  }
  return checksums;
}

absl::Status VerifyChunks(absl::Span<const uint8_t> file, const FileChecksums& checksums,
                          int64_t begin, int64_t end, absl::string_view path, ThreadPool& pool) {
  const int64_t file_bytes = static_cast<int64_t>(file.size());
  if (file_bytes != checksums.file_bytes)
    return absl::DataLossError(absl::StrCat(path, ": has ", file_bytes, " bytes, but had ",
                                            checksums.file_bytes, " when it was written"));
  QH_CHECK_LE(0, begin);
  QH_CHECK_LE(begin, end);
  QH_CHECK_LE(end, file_bytes);
  if (begin == end) return absl::OkStatus();
  const int64_t first = begin / kChecksumChunkBytes;
  const int64_t num_chunks = NumBlocks(end, kChecksumChunkBytes) - first;
  std::vector<uint8_t> wrong(static_cast<size_t>(num_chunks), 0);
  pool.ParallelFor(num_chunks, [&](int64_t i, int) {
    const uint64_t expected = checksums.chunks[static_cast<size_t>(first + i)];
    wrong[static_cast<size_t>(i)] = ChunkChecksum(file, first + i) != expected;
  });
  const auto bad = std::find(wrong.begin(), wrong.end(), 1);
  if (bad == wrong.end()) return absl::OkStatus();
  const int64_t num_bad = std::count(wrong.begin(), wrong.end(), 1);
  const BlockRange range = Block(first + (bad - wrong.begin()), file_bytes, kChecksumChunkBytes);
  return absl::DataLossError(absl::StrCat(
      path, ": bytes [", range.begin, ", ", range.end, ") differ from what was written (checksum)",
      num_bad > 1 ? absl::StrCat(", and ", num_bad - 1, " more ranges") : "",
      "; restore the file"));
}

}  // namespace quadhop
