// How much memory there is: steps that need much of it ask first, and refuse rather than be killed.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace quadhop {

// "1.25 GB"; "1.25 MB" below 100 MB, and so on to bytes.
std::string BytesText(int64_t bytes);

// What can be taken without swapping (MemAvailable of /proc/meminfo) and within the limits of this
// process and its control groups (docker -m, Slurm's --mem, ulimit).
absl::StatusOr<int64_t> AvailableMemoryBytes();

// How much of the available memory plans may fill: 80 %.
int64_t UsableBytes(int64_t available_bytes);

// What --memory says, or, if it is 0, UsableBytes of the memory available.
absl::StatusOr<int64_t> MemoryBudget(int64_t memory_bytes);

// kResourceExhausted, naming both figures, if `needed_bytes` exceed what --memory says, or, if it
// is 0, the memory available.
absl::Status CheckMemory(absl::string_view what, int64_t needed_bytes, int64_t memory_bytes = 0);

}  // namespace quadhop
