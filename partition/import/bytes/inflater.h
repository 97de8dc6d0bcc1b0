// Inflating in pieces, by ISA-L.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <string>

struct inflate_state;

namespace quadhop {

// Clears what ISA-L's AVX code (2.30) leaves in the upper halves of this thread's registers. It
// would slow down SSE code on this thread from then on: products of hops to half their rate.
void ClearUpperHalves();

// One deflate stream, bare (of a zip member) or wrapped as a gzip member or a zlib stream, whose
// header is then read and whose checksum is checked. Not thread-safe.
class Inflater {
 public:
  enum class Wrapper { kNone, kGzip, kZlib };
  explicit Inflater(Wrapper wrapper);
  ~Inflater();

  void Begin();  // a new stream

  struct Progress {
    int64_t bytes_in = 0;   // taken
    int64_t bytes_out = 0;  // written
    bool done = false;      // the stream is at its end
  };
  // Takes from `in` and writes to `out` until one of them is used up or the stream ends. The error
  // is kDataLoss with the reason alone: "an invalid block".
  absl::StatusOr<Progress> Inflate(absl::Span<const uint8_t> in, absl::Span<char> out);

 private:
  Wrapper wrapper_;
  std::unique_ptr<inflate_state> state_;
};

}  // namespace quadhop
