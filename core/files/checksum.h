// XXH3 checksums: for a file, one per chunk of 64 MB, in a text file beside it, NAME.xxh3; for a
// manifest, one in its last line.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/threads/thread_pool.h"

namespace quadhop {

inline constexpr int64_t kChecksumChunkBytes = int64_t{64} << 20;

uint64_t Xxh3(const void* data, size_t num_bytes);
std::string HexOf(uint64_t checksum);  // 16 digits
absl::StatusOr<uint64_t> ParseHex(absl::string_view digits);

// The last line of a manifest, which is a textproto: `checksum: "..."`, over all bytes before it.
std::string ChecksumLine(absl::string_view body);
bool EndsWithItsChecksum(absl::string_view manifest);

// The checksums of a file's chunks, as its sidecar holds them.
struct FileChecksums {
  int64_t file_bytes = 0;
  std::vector<uint64_t> chunks;  // [ceil(file_bytes / kChecksumChunkBytes)]

  static FileChecksums Of(absl::Span<const uint8_t> bytes, ThreadPool& pool);
  std::string ToText() const;
  // kDataLoss names the line that is wrong.
  static absl::StatusOr<FileChecksums> FromText(absl::string_view text, absl::string_view name);
};

// kDataLoss, naming file and byte range, if bytes [begin, end) of the file do not have their
// checksum. Whole chunks are read, whatever the range.
absl::Status VerifyChunks(absl::Span<const uint8_t> file, const FileChecksums& checksums,
                          int64_t begin, int64_t end, absl::string_view path, ThreadPool& pool);

}  // namespace quadhop
