#include "launch/cluster/host_networks.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/status.h"

namespace quadhop {
namespace {

struct Interface {
  std::string name;
  uint32_t address = 0, mask = 0;  // in the host's byte order

  std::string Describe() const {
    const in_addr number{htonl(address)};
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &number, text, sizeof(text));
    return absl::StrCat(name, " (", text, "/", std::popcount(mask), ")");
  }
};

uint32_t AddressIn(const sockaddr* socket) {
  sockaddr_in address;
  std::memcpy(&address, socket, sizeof(address));
  return ntohl(address.sin_addr.s_addr);
}

// Those that are up and have an IPv4 address.
absl::StatusOr<std::vector<Interface>> Interfaces() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return ErrnoStatus(errno, "list the networks of this host");
  std::vector<Interface> interfaces;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next)
    if (one->ifa_addr != nullptr && one->ifa_netmask != nullptr && (one->ifa_flags & IFF_UP) != 0 &&
        one->ifa_addr->sa_family == AF_INET)
      interfaces.push_back({one->ifa_name, AddressIn(one->ifa_addr), AddressIn(one->ifa_netmask)});
  freeifaddrs(all);
  return interfaces;
}

// Whether `network` names the interface, or an address range that it has an address in.
bool IsOf(absl::string_view network, const Interface& interface) {
  if (network == interface.name) return true;
  const std::vector<std::string> parts = absl::StrSplit(network, '/');
  in_addr number{};
  int bits = 0;
  if (parts.size() != 2 || inet_pton(AF_INET, parts[0].c_str(), &number) != 1 ||
      !absl::SimpleAtoi(parts[1], &bits) || bits < 0 || bits > 32)
    return false;
  const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
  return (interface.address & mask) == (ntohl(number.s_addr) & mask);
}

}  // namespace

absl::Status CheckHostHasNetwork(const std::string& network) {
  QH_ASSIGN_OR_RETURN(const std::vector<Interface> interfaces, Interfaces());
  for (const absl::string_view one : absl::StrSplit(network, ','))
    if (std::any_of(interfaces.begin(), interfaces.end(),
                    [&](const Interface& interface) { return IsOf(one, interface); }))
      return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--network is ", network, ", which this host does not have; it has ",
      absl::StrJoin(interfaces, ", ", [](std::string* text, const Interface& interface) {
        absl::StrAppend(text, interface.Describe());
      })));
}

}  // namespace quadhop
