#include "launch/run/run_machine.h"

#include <absl/strings/ascii.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "launch/command_line/version.h"
#include "launch/ranks/cores.h"
#include "launch/ranks/host_name.h"

namespace quadhop {
namespace {

// The name that the kernel has for the processor; "" if it has none.
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
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      GatherTexts(context.comm, "names of hosts", HostName()));
  std::vector<JsonObject> hosts;
  for (const std::vector<size_t>& ranks : RanksByHost(names))
    hosts.push_back(JsonObject()
                        .Add("name", names[ranks.front()])
                        .Add("ranks", static_cast<int64_t>(ranks.size())));
  JsonObject machine;
  machine.Add("version", kVersion)
      .Add("ranks", context.comm.num_ranks())
      .Add("threads", static_cast<int32_t>(context.pool.num_threads()))
      .Add("hosts", hosts)
      .Add("processor", ProcessorName())
      .Add("cores", static_cast<int32_t>(AvailableCores()))
      .Add("memory_bytes", MemoryBytes());
  return machine;
}

}  // namespace quadhop
