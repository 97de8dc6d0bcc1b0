#include "launch/ranks/host_name.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>

namespace quadhop {

std::string HostName() {
  if (const char* node = std::getenv("SLURMD_NODENAME"); node != nullptr && *node != 0) return node;
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "this host";
  return name.data();
}

std::vector<std::vector<size_t>> RanksByHost(absl::Span<const std::string> hosts) {
  std::vector<std::vector<size_t>> ranks;
  std::map<std::string, size_t> places;
  for (size_t r = 0; r < hosts.size(); ++r) {
    const auto [place, is_new] = places.emplace(hosts[r], ranks.size());
    if (is_new) ranks.emplace_back();
    ranks[place->second].push_back(r);
  }
  return ranks;
}

}  // namespace quadhop
