#include "partition/memory.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/status.h"

namespace quadhop {

absl::StatusOr<int64_t> AvailableMemoryBytes() {
  constexpr char kPath[] = "/proc/meminfo";
  std::ifstream file(kPath);
  for (std::string line; std::getline(file, line);) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int64_t kibibytes = 0;
    if (words.size() >= 2 && words[0] == "MemAvailable:" && absl::SimpleAtoi(words[1], &kibibytes))
      return kibibytes * 1024;
  }
  return absl::InternalError(absl::StrCat(kPath, " has no line MemAvailable"));
}

absl::Status CheckMemory(absl::string_view what, int64_t needed_bytes) {
  QH_ASSIGN_OR_RETURN(const int64_t available_bytes, AvailableMemoryBytes());
  if (needed_bytes <= available_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s needs %.2f GB of memory, %.2f GB are available: use a machine with more", what,
      static_cast<double>(needed_bytes) * 1e-9, static_cast<double>(available_bytes) * 1e-9));
}

}  // namespace quadhop
