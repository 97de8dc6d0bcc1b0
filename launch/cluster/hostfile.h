// The hosts of a job, from Open MPI's hostfile, and whether each can run it.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

struct Host {
  std::string name;
  int64_t slots = 1;  // ranks
  int64_t line = 0;   // of the hostfile, from 1
};

// Lines "NAME [slots=N]", with comments from #; 1 slot if a line does not say. kInvalidArgument
// names the line; kNotFound if there is no such file; kInvalidArgument if it has no hosts.
absl::StatusOr<std::vector<Host>> ReadHostfile(const std::string& path);

// "n1:4,n2:4", as mpirun --host takes it. (If a line of a hostfile has no slots, mpirun itself
// assumes as many as the host has cores.)
std::string HostsForMpirun(absl::Span<const Host> hosts);

// Asks every host but this one, 256 at once, through the remote shell that mpirun will use (ssh, or
// what OMPI_MCA_plm_rsh_agent names): whether it answers, has this folder, this program in this
// version, and the store (`store`, if not empty). kFailedPrecondition has a line for each fault,
// with what to do about it.
absl::Status CheckHosts(absl::Span<const Host> hosts, const std::string& store);

}  // namespace quadhop
