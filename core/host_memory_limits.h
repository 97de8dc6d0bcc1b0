// What memory a process may still take: of the machine, of its control groups, by its own limits.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <limits>
#include <string>

namespace quadhop {

inline constexpr int64_t kUnlimitedBytes = std::numeric_limits<int64_t>::max();

// What the machine has left: MemAvailable of /proc/meminfo. kInternal where there is no such line.
absl::StatusOr<int64_t> MachineRoomBytes();

// What may still be taken by the memory controller of the control groups, version 2 or 1, that
// `process_cgroups` (a text as of /proc/self/cgroup) names below `mount` (/sys/fs/cgroup): the
// least of the group and of all above it. A group has room for what its limit leaves, and for what
// the kernel can drop of it: pages of files, once or often read, that are as on their disk.
// kUnlimitedBytes where none has a limit, or none can be read.
int64_t CgroupRoomBytes(const std::string& process_cgroups, const std::string& mount);

// What `ulimit -v` and `ulimit -d` leave this process.
int64_t RlimitRoomBytes();

}  // namespace quadhop
