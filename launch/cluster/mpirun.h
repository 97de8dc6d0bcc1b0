// The mpirun command (Open MPI) that starts a job.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

struct MpirunOptions {
  int64_t ranks = 1;
  std::string hosts = {};    // "n1:4,n2:4", with ranks; "": this host only, also inside a Slurm job
  std::string network = {};  // "10.1.0.0/16" or an interface's name: the only one to use; "": any
};

// mpirun, its options, this program, and `job` (a command of quadhop and its flags). Ranks are not
// bound to cores, because each uses its share of its host's cores for its threads; there may be
// more ranks than cores, and root may start them. NCCL's, UCX's and the loader's variables of this
// environment are passed on. kUnavailable if there is no mpirun in PATH.
absl::StatusOr<std::vector<std::string>> MpirunCommand(const MpirunOptions& options,
                                                       absl::Span<const std::string> job);

}  // namespace quadhop
