// The text of a file, inflated on the way if it is gzip.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <string>

namespace quadhop {

// A sequential reader. Not thread-safe.
class TextSource {
 public:
  // Whether the file is gzip is told by its first two bytes, not by its name. A gzip file may have
  // several members (as `cat a.gz b.gz` makes) and zero padding at its end. kNotFound,
  // kPermissionDenied, kInternal.
  static absl::StatusOr<std::unique_ptr<TextSource>> Open(const std::string& path);
  virtual ~TextSource() = default;

  // Fills `out`, and returns the bytes written: fewer than out.size() only at the end of the text.
  // kDataLoss, naming the file, the byte in it and whether it is cut short or corrupt (block,
  // symbol, checksum).
  virtual absl::StatusOr<int64_t> Read(absl::Span<char> out) = 0;
};

}  // namespace quadhop
