#include "launch/run/run_machine.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "comm/gather.h"
#include "core/status.h"
#include "launch/command_line/version.h"
#include "launch/ranks/host_name.h"

namespace quadhop {
namespace {

using NameBytes = std::array<char, 256>;

// The name that the kernel has for the processor; "" where it says none.
std::string ProcessorName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(line.find(':') + 1)));
  }
  return "";
}

int64_t MemoryBytes() { return int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGE_SIZE)}; }

}  // namespace

absl::StatusOr<JsonObject> DescribeMachine(const RankContext& context) {
  NameBytes mine{};
  HostName().copy(mine.data(), mine.size() - 1);
  QH_ASSIGN_OR_RETURN(const std::vector<NameBytes> names,
                      GatherOverRanks<NameBytes>(context.comm, "names of hosts", {&mine, 1}));
  std::vector<std::pair<std::string, int64_t>> hosts;
  for (const NameBytes& name : names) {
    const auto known = std::find_if(hosts.begin(), hosts.end(),
                                    [&](const auto& host) { return host.first == name.data(); });
    if (known == hosts.end())
      hosts.emplace_back(name.data(), 1);
    else
      ++known->second;
  }
  std::vector<std::string> of_hosts;
  for (const auto& [name, ranks] : hosts)
    of_hosts.push_back(JsonObject().Add("name", name).Add("ranks", ranks).ToString());
  JsonObject machine;
  machine.Add("version", kVersion)
      .Add("ranks", context.comm.num_ranks())
      .Add("threads", static_cast<int32_t>(context.pool.num_threads()))
      .AddJson("hosts", absl::StrCat("[", absl::StrJoin(of_hosts, ","), "]"))
      .Add("processor", ProcessorName())
      .Add("cores", static_cast<int32_t>(AvailableCores()))
      .Add("memory_bytes", MemoryBytes());
  return machine;
}

}  // namespace quadhop
