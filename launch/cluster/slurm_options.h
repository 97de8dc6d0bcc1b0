// What a user chooses of a job under Slurm.
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
  int64_t ranks_per_node = 0;  // 0: one a GPU; without GPUs 2
  int64_t cpus_per_rank = 0;   // 0: nodes are taken whole, and their processors divided
  std::string time;       // Slurm's forms, as 12:00:00 or 2-00:00:00; "": the partition's limit
  std::string partition;  // "" leaves each of these to the cluster's default
  std::string account;
  std::string name;                // of the job
  std::string stage_to;            // a folder of each node's own disk, with $VARIABLES; "": no copy
  std::vector<std::string> setup;  // lines of shell before the job: "module load openmpi"
  std::vector<std::string> sbatch;  // options of sbatch: "--constraint=a100"; win over the script's
  int64_t max_restarts = 100;       // of a training job; after preemptions and time limits too
};

int64_t RanksPerNode(const SlurmOptions& options);
// That the job starts, over all nodes.
int64_t NumRanks(const SlurmOptions& options);

// A usage error if the script could not say a value, or would not work by it, or if the job cannot
// be carried on.
absl::Status CheckSlurmOptions(const SlurmOptions& options, absl::Span<const std::string> job,
                               const std::string& folder);

}  // namespace quadhop
