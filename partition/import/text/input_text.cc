#include "partition/import/text/input_text.h"

#include <memory>

#include "core/base/status.h"

namespace quadhop {

absl::Status ForEachChunkOf(const std::string& path, ImportTarget& target, ThreadPool& pool,
                            const std::function<absl::Status(const TextChunk& chunk)>& body) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  const auto tell_and_call = [&](const TextChunk& chunk, int) {
    target.TellProgress(path, chunk.share_read);
    return body(chunk);
  };
  QH_RETURN_IF_ERROR(chunks->ForEach(pool, tell_and_call).status());
  target.CountText(chunks->text_bytes());
  return absl::OkStatus();
}

}  // namespace quadhop
