// Text to gzip files, compressed by all threads.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <functional>
#include <string>

#include "core/threads/thread_pool.h"

namespace quadhop {

// One gzip member (RFC 1952) of the text, which is less than 1 GB. Members one after another are a
// gzip file of the texts one after another.
std::string GzipMember(absl::string_view text);

// Writes text_of_block(0), text_of_block(1), ... as a gzip file of one member a block. Called from
// all threads, not in order; in memory are at most 4 blocks a thread. On error `path` is unchanged.
absl::Status WriteGzipFile(const std::string& path, int64_t num_blocks,
                           const std::function<std::string(int64_t block)>& text_of_block,
                           ThreadPool& pool);

}  // namespace quadhop
