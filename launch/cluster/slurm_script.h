// The batch script that runs a job under Slurm.
#pragma once

#include <absl/types/span.h>

#include <string>

#include "launch/cluster/slurm_options.h"

namespace quadhop {

// The script. A train job stops with a checkpoint before its time limit, and is queued again; also
// after a failure, if it got further than before (RunWithRestarts). The script starts ranks by srun
// if Slurm's PMIx works on the nodes, else by mpirun. `folder` is where it runs, `program` is
// quadhop.
std::string SlurmScript(const SlurmOptions& options, absl::Span<const std::string> job,
                        const std::string& folder, const std::string& program);

}  // namespace quadhop
