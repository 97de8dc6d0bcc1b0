#include "comm/network/host_interfaces.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

namespace quadhop {
namespace {

uint32_t AddressOf(const sockaddr* socket) {
  sockaddr_in address;
  std::memcpy(&address, socket, sizeof(address));
  return address.sin_addr.s_addr;
}

}  // namespace

std::vector<HostInterface> HostInterfaces() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return {};
  std::vector<HostInterface> interfaces;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    if ((one->ifa_flags & IFF_UP) == 0) continue;
    const uint32_t mask = one->ifa_netmask == nullptr ? ~uint32_t{0} : AddressOf(one->ifa_netmask);
    interfaces.push_back(
        {one->ifa_name, AddressOf(one->ifa_addr), mask, (one->ifa_flags & IFF_LOOPBACK) != 0});
  }
  freeifaddrs(all);
  return interfaces;
}

std::string AddressText(uint32_t address) {
  char text[INET_ADDRSTRLEN] = "?";
  inet_ntop(AF_INET, &address, text, sizeof(text));
  return text;
}

}  // namespace quadhop
