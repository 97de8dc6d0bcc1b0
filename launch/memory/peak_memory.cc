#include "launch/memory/peak_memory.h"

#include <malloc.h>
#include <sys/resource.h>

#include <fstream>

namespace quadhop {

int64_t PeakResidentBytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

void ResetPeakResidentBytes() {
  malloc_trim(0);                                 // what is free already is nobody's peak
  std::ofstream("/proc/self/clear_refs") << "5";  // see proc(5)
}

}  // namespace quadhop
