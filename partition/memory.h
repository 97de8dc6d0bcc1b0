// How much memory is there: steps that need much of it ask first, and refuse rather than be killed.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>

namespace quadhop {

// MemAvailable of /proc/meminfo: what can be taken without swapping.
absl::StatusOr<int64_t> AvailableMemoryBytes();

// kResourceExhausted, naming both figures, if `needed_bytes` exceed the memory available.
absl::Status CheckMemory(absl::string_view what, int64_t needed_bytes);

}  // namespace quadhop
