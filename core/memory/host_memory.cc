#include "core/memory/host_memory.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <string>

#include "core/base/status.h"
#include "core/files/file.h"
#include "core/memory/host_memory_limits.h"

namespace quadhop {

std::string BytesText(int64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes < 100) return absl::StrCat(bytes, " B");
  if (bytes < 100'000) return absl::StrFormat("%.2f kB", number * 1e-3);
  if (bytes < 100'000'000) return absl::StrFormat("%.2f MB", number * 1e-6);
  return absl::StrFormat("%.2f GB", number * 1e-9);
}

absl::StatusOr<int64_t> AvailableMemoryBytes() {
  QH_ASSIGN_OR_RETURN(const int64_t of_machine, MachineRoomBytes());
  const std::string cgroups = ReadFile("/proc/self/cgroup").value_or("");  // a kernel without them
  return std::min({of_machine, CgroupRoomBytes(cgroups, "/sys/fs/cgroup"), RlimitRoomBytes()});
}

int64_t UsableBytes(int64_t available_bytes) { return available_bytes / 5 * 4; }

absl::StatusOr<int64_t> MemoryBudget(int64_t memory_bytes) {
  if (memory_bytes > 0) return memory_bytes;
  QH_ASSIGN_OR_RETURN(const int64_t available_bytes, AvailableMemoryBytes());
  return UsableBytes(available_bytes);
}

absl::Status CheckMemory(absl::string_view what, int64_t needed_bytes, int64_t memory_bytes) {
  int64_t allowed_bytes = memory_bytes;
  if (memory_bytes == 0) {
    QH_ASSIGN_OR_RETURN(allowed_bytes, AvailableMemoryBytes());
  }
  if (needed_bytes <= allowed_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      what, " needs ", BytesText(needed_bytes), " of memory, ", BytesText(allowed_bytes), " ",
      memory_bytes == 0 ? "are available: use a machine, or a job limit, with more"
                        : "may be used (--memory): raise it"));
}

}  // namespace quadhop
