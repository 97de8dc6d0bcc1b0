#include <absl/strings/numbers.h>

#include <cstdlib>

#include "comm/mpi.h"

namespace quadhop {

bool StartedByMpiLauncher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

int32_t RankByLauncher() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
    const char* text = std::getenv(name);
    int32_t rank = 0;
    if (text != nullptr && absl::SimpleAtoi(text, &rank)) return rank;
  }
  return 0;
}

}  // namespace quadhop
