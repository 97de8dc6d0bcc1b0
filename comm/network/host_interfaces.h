// The networks that this host is on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quadhop {

// IPv4, in network byte order.
struct HostInterface {
  std::string name;  // "eth0"
  uint32_t address = 0;
  uint32_t mask = 0;  // of its network
  bool is_loopback = false;
};

// Those that are up. Empty if the system does not tell.
std::vector<HostInterface> HostInterfaces();

std::string AddressText(uint32_t address);  // "10.1.0.7"

}  // namespace quadhop
