// How much memory a process may still take: of the machine, of its control groups, by its own
// limits.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <limits>
#include <string>

namespace quadhop {

inline constexpr int64_t kUnlimitedBytes = std::numeric_limits<int64_t>::max();

// What the machine has left: MemAvailable of /proc/meminfo. kInternal if there is no such line.
absl::StatusOr<int64_t> MachineRoomBytes();

// How much the memory controller (version 2 or 1) still allows to the control groups that
// `process_cgroups` (text in the form of /proc/self/cgroup) names below `mount` (/sys/fs/cgroup):
// the least of the group and of all above it. A group has room for what its limit leaves, and for
// what the kernel can drop from it: clean pages of files, read once or often. kUnlimitedBytes if
// none has a limit, or none can be read.
int64_t CgroupRoomBytes(const std::string& process_cgroups, const std::string& mount);

// What `ulimit -v` and `ulimit -d` leave this process.
int64_t RlimitRoomBytes();

}  // namespace quadhop
