#include "core/memory/host_memory_limits.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/files/file.h"

namespace quadhop {
namespace {

// The files of one version of the controller, and lines of its memory.stat. The kernel drops pages
// of files when memory is needed, also the active ones, which are those read more than once. Pages
// of tmpfs and locked ones are counted in other lines.
struct Controller {
  const char* limit;
  const char* used;
  const char* droppable;
  const char* unwritten;  // of the droppable: they have to reach a disk first
};
constexpr Controller kVersion2 = {"memory.max", "memory.current",
                                  "inactive_file active_file slab_reclaimable",
                                  "file_dirty file_writeback"};
constexpr Controller kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_inactive_file total_active_file",
                                  "total_dirty total_writeback"};

constexpr int64_t kNoLimitBytes = int64_t{1} << 60;  // version 1: 2^63 less a page is no limit

// The number after `key` in the line that begins with it; without a key, all of the text. False if
// there is none, as in "max".
bool ReadNumber(const std::string& path, absl::string_view key, int64_t* number) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return false;
  if (key.empty()) return absl::SimpleAtoi(*text, number);
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t:"), absl::SkipEmpty());
    if (words.size() >= 2 && words[0] == key) return absl::SimpleAtoi(words[1], number);
  }
  return false;
}

// The sum over those lines of a memory.stat that begin with one of the keys.
int64_t SumOfLines(absl::string_view stat, absl::string_view keys) {
  const std::vector<absl::string_view> wanted = absl::StrSplit(keys, ' ');
  int64_t sum = 0;
  for (const absl::string_view line : absl::StrSplit(stat, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    int64_t bytes = 0;
    if (words.size() == 2 && std::count(wanted.begin(), wanted.end(), words[0]) > 0 &&
        absl::SimpleAtoi(words[1], &bytes))
      sum += bytes;
  }
  return sum;
}

int64_t RoomBytes(const std::string& group, const Controller& controller) {
  int64_t limit = 0, used = 0;
  if (!ReadNumber(absl::StrCat(group, "/", controller.limit), "", &limit) ||
      !ReadNumber(absl::StrCat(group, "/", controller.used), "", &used))
    return kUnlimitedBytes;
  if (limit >= kNoLimitBytes) return kUnlimitedBytes;
  const std::string stat = ReadFile(group + "/memory.stat").value_or("");  // else 0 droppable
  const int64_t droppable =
      SumOfLines(stat, controller.droppable) - SumOfLines(stat, controller.unwritten);
  return std::max<int64_t>(0, limit - used + std::max<int64_t>(0, droppable));
}

// The least room of the group and those above it. In a container the path may be that of the host;
// then only the root of the mount is there.
int64_t LeastRoomBytes(const std::string& root, std::string path, const Controller& controller) {
  int64_t least = RoomBytes(root, controller);
  for (; path.size() > 1; path.resize(path.rfind('/')))
    least = std::min(least, RoomBytes(root + path, controller));
  return least;
}

int64_t Room(int resource, absl::string_view used_key) {
  rlimit limit;
  int64_t used_kibibytes = 0;
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      !ReadNumber("/proc/self/status", used_key, &used_kibibytes))
    return kUnlimitedBytes;
  return std::max<int64_t>(0, static_cast<int64_t>(limit.rlim_cur) - used_kibibytes * 1024);
}

}  // namespace

absl::StatusOr<int64_t> MachineRoomBytes() {
  constexpr char kPath[] = "/proc/meminfo";
  int64_t kibibytes = 0;
  if (!ReadNumber(kPath, "MemAvailable", &kibibytes))
    return absl::InternalError(absl::StrCat(kPath, " has no line MemAvailable"));
  return kibibytes * 1024;
}

int64_t CgroupRoomBytes(const std::string& process_cgroups, const std::string& mount) {
  int64_t least = kUnlimitedBytes;
  // "0::/slurm/job_1" of version 2, "4:memory,hugetlb:/slurm/job_1" of version 1
  for (const absl::string_view line : absl::StrSplit(process_cgroups, '\n')) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3 || fields[2].empty() || fields[2].front() != '/') continue;
    const std::vector<absl::string_view> controllers = absl::StrSplit(fields[1], ',');
    if (fields[1].empty())
      least = std::min(least, LeastRoomBytes(mount, fields[2], kVersion2));
    else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end())
      least = std::min(least, LeastRoomBytes(mount + "/memory", fields[2], kVersion1));
  }
  return least;
}

int64_t RlimitRoomBytes() {
  return std::min(Room(RLIMIT_AS, "VmSize"), Room(RLIMIT_DATA, "VmData"));
}

}  // namespace quadhop
