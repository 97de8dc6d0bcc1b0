// A text file as chunks of whole lines, read and inflated by a thread of its own while earlier
// chunks are parsed.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/threads/thread_pool.h"

namespace quadhop {

// Every line ends in '\n', the last one of the file too; blank lines at the end of the file are
// dropped.
struct TextChunk {
  std::string text;
  int64_t first_line = 0;  // from 0
  int64_t num_lines = 0;
  double share_read = 0;  // of the file, when the chunk was read
};

// Not thread-safe. Memory: at most 2 * num_threads + 1 chunks of about kChunkBytes, whatever the
// file's size.
class TextChunks {
 public:
  static constexpr int64_t kChunkBytes =
      int64_t{2} << 20;  // of inflated text; a longer line makes a longer chunk
  static constexpr int64_t kMaxLineBytes = int64_t{256} << 20;

  // Opens the file and reads its first chunk. Errors as OpenText's; kInvalidArgument for a line
  // beyond kMaxLineBytes.
  static absl::StatusOr<std::unique_ptr<TextChunks>> Open(const std::string& path);
  ~TextChunks();

  const std::string& path() const { return path_; }
  // Whole lines from the beginning of the file; empty if the file is. Valid until ForEach.
  const TextChunk& first() const { return first_; }
  absl::string_view first_line() const;  // without its '\n'

  // Calls body(chunk, worker) once for each chunk of the file, on the pool's threads, in any order,
  // and returns the number of lines. The first error in file order, of the file or of the body,
  // ends it and is returned. May be called once.
  absl::StatusOr<int64_t> ForEach(
      ThreadPool& pool,
      const std::function<absl::Status(const TextChunk& chunk, int worker)>& body);

  // Inflated bytes that ForEach went through.
  int64_t text_bytes() const { return text_bytes_; }

 private:
  class Reader;
  TextChunks();
  std::string path_;
  std::unique_ptr<Reader> reader_;
  TextChunk first_;
  int64_t text_bytes_ = 0;
};

}  // namespace quadhop
