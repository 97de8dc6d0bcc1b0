// What hosts are called, and which ranks they have.
#pragma once

#include <absl/types/span.h>

#include <cstddef>
#include <string>
#include <vector>

namespace quadhop {

// The name of this host by gethostname; "this host" if it has none. In an allocation of Slurm, the
// name of the node, which differs if several nodes are one machine.
std::string HostName();

// Ranks by host, in the order of their first rank. hosts: the name of each rank's host.
std::vector<std::vector<size_t>> RanksByHost(absl::Span<const std::string> hosts);

}  // namespace quadhop
