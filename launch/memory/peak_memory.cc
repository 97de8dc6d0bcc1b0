#include "launch/memory/peak_memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace quadhop {

// Not getrusage: its peak is inherited from the program that started this one.
int64_t PeakResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key; std::getline(status, key)) {
    int64_t kibibytes = 0;
    if (key == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

void ResetPeakResidentBytes() {
  malloc_trim(0);                                 // what is already free must not count
  std::ofstream("/proc/self/clear_refs") << "5";  // see proc(5)
}

}  // namespace quadhop
