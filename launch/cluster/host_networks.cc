#include "launch/cluster/host_networks.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "comm/network/host_interfaces.h"

namespace quadhop {
namespace {

// Whether `network` names the interface, or an address range that it has an address in.
bool IsOf(absl::string_view network, const HostInterface& interface) {
  if (network == interface.name) return true;
  const std::vector<std::string> parts = absl::StrSplit(network, '/');
  in_addr range{};
  int bits = 0;
  if (parts.size() != 2 || inet_pton(AF_INET, parts[0].c_str(), &range) != 1 ||
      !absl::SimpleAtoi(parts[1], &bits) || bits < 0 || bits > 32)
    return false;
  const uint32_t mask = htonl(bits == 0 ? 0 : ~uint32_t{0} << (32 - bits));
  return (interface.address & mask) == (range.s_addr & mask);
}

}  // namespace

absl::Status CheckHostHasNetwork(const std::string& network) {
  const std::vector<HostInterface> interfaces = HostInterfaces();
  for (const absl::string_view one : absl::StrSplit(network, ','))
    if (std::any_of(interfaces.begin(), interfaces.end(),
                    [&](const HostInterface& interface) { return IsOf(one, interface); }))
      return absl::OkStatus();
  const auto describe = [](std::string* text, const HostInterface& interface) {
    absl::StrAppend(text, interface.name, " (", AddressText(interface.address), "/",
                    std::popcount(interface.mask), ")");
  };
  return absl::InvalidArgumentError(absl::StrCat("--network is ", network,
                                                 ", which this host does not have; it has ",
                                                 absl::StrJoin(interfaces, ", ", describe)));
}

}  // namespace quadhop
