// The text of an input, read on all threads.
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <string>

#include "core/threads/thread_pool.h"
#include "partition/import/target/import_target.h"
#include "partition/import/text/text_chunks.h"

namespace quadhop {

// Calls body(chunk) for the chunks of a file, in any order (text_chunks.h), and tells the target
// how far it is and how much was read. The first error in file order is returned.
absl::Status ForEachChunkOf(const std::string& path, ImportTarget& target, ThreadPool& pool,
                            const std::function<absl::Status(const TextChunk& chunk)>& body);

}  // namespace quadhop
