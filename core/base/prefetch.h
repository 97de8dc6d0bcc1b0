// Asking for memory before it is read.
#pragma once

#include <cstdint>

namespace quadhop {

inline constexpr int64_t kCacheLineBytes = 64;

// Asks for [data, data + num_bytes). Memory that cannot be read does no harm.
inline void Prefetch(const void* data, int64_t num_bytes) {
  const auto* const bytes = static_cast<const char*>(data);
  for (int64_t at = 0; at < num_bytes; at += kCacheLineBytes) __builtin_prefetch(bytes + at);
}

}  // namespace quadhop
