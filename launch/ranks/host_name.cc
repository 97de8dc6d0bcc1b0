#include "launch/ranks/host_name.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

namespace quadhop {

std::string HostName() {
  if (const char* node = std::getenv("SLURMD_NODENAME"); node != nullptr && *node != 0) return node;
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "this host";
  return name.data();
}

}  // namespace quadhop
