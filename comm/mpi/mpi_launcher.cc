#include "comm/mpi/mpi_launcher.h"

#include <absl/strings/numbers.h>

#include <cstdlib>
#include <initializer_list>

namespace quadhop {
namespace {

// The first of these variables that is set to a number.
int32_t FirstNumber(std::initializer_list<const char*> names, int32_t otherwise) {
  for (const char* name : names) {
    const char* text = std::getenv(name);
    int32_t number = 0;
    if (text != nullptr && absl::SimpleAtoi(text, &number)) return number;
  }
  return otherwise;
}

// A batch script has Slurm's variables too; a process that srun started also has a step.
const char* StepOfSrun(const char* name) {
  return std::getenv("SLURM_STEP_ID") != nullptr ? name : "";
}

}  // namespace

bool StartedByMpiLauncher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

int32_t RankByLauncher() {
  return FirstNumber(
      {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", StepOfSrun("SLURM_PROCID"), "RANK"}, 0);
}

int32_t NumRanksByLauncher() {
  return FirstNumber(
      {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", StepOfSrun("SLURM_STEP_NUM_TASKS"), "WORLD_SIZE"}, 1);
}

}  // namespace quadhop
