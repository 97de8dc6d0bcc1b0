// What a user chooses for a job under Slurm.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// How long before its time limit a training job is asked for a checkpoint, unless options of sbatch
// say otherwise.
inline constexpr int64_t kSecondsToStop = 120;

struct SlurmOptions {
  int64_t nodes = 1;
  int64_t gpus_per_node = 0;
  int64_t ranks_per_node = 0;  // 0: one per GPU, or 2 without GPUs
  int64_t cpus_per_rank = 0;   // 0: nodes are taken whole, and their processors divided
  std::string time;       // Slurm's forms, as 12:00:00 or 2-00:00:00; "": the partition's limit
  std::string partition;  // "" leaves each of these to the cluster's default
  std::string account;
  std::string name;                // of the job
  std::string stage_to;            // a folder on each node's own disk, with $VARIABLES; "": no copy
  std::vector<std::string> setup;  // lines of shell before the job: "module load openmpi"
  std::vector<std::string> sbatch;  // options of sbatch: "--constraint=a100"; win over the script's
  int64_t max_restarts = 100;       // of a training job; after preemptions and time limits too
};

int64_t RanksPerNode(const SlurmOptions& options);
// The number of ranks that the job starts, over all nodes.
int64_t NumRanks(const SlurmOptions& options);

// A usage error if a value cannot be written into the script, or the script would not work with it,
// or if the job cannot be resumed.
absl::Status CheckSlurmOptions(const SlurmOptions& options, absl::Span<const std::string> job,
                               const std::string& folder);

}  // namespace quadhop
