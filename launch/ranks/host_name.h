// What this host is called.
#pragma once

#include <string>

namespace quadhop {

// As gethostname has it; "this host" where it has none. In an allocation of Slurm the name of the
// node, which differs where several nodes are one machine.
std::string HostName();

}  // namespace quadhop
