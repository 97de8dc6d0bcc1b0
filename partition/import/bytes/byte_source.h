// Bytes one after another, whatever they come from.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>

#include "core/files/file.h"

namespace quadhop {

// A sequential reader. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fills `out`, and returns the bytes written: fewer than out.size() only at the end, or before a
  // fault that the next call returns. kDataLoss, naming the file and the byte in it, if it is cut
  // short or corrupt; that what was read is sound is certain only once a call returns 0.
  virtual absl::StatusOr<int64_t> Read(absl::Span<char> out) = 0;

  // What share of its file was read, in [0, 1]; negative if that is not known.
  virtual double share_read() const { return -1; }
};

// The bytes of a mapped file.
std::unique_ptr<ByteSource> ReadMapped(MappedFile file);

// The same bytes, read by a thread of its own a few MB ahead of its caller.
std::unique_ptr<ByteSource> ReadAhead(std::unique_ptr<ByteSource> source);

}  // namespace quadhop
