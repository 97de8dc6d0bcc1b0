// The networks of this host.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace quadhop {

// OK if `network`, an interface's name or "10.1.0.0/16" (IPv4), or a list of such with commas, is
// one of this host that is up. kInvalidArgument names those that are.
absl::Status CheckHostHasNetwork(const std::string& network);

}  // namespace quadhop
