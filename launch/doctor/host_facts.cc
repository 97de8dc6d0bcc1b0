#include "launch/doctor/host_facts.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "comm/collectives/gather.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "launch/ranks/host_name.h"
#include "model/kernels/kernels.h"

namespace quadhop {
namespace {

constexpr int64_t kFewOpenFiles = 1024;
constexpr double kLargeClockDifferenceSeconds = 1;
constexpr int64_t kLittleMemoryBytes = int64_t{1} << 30;

int64_t OpenFilesAllowed() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT64_MAX));
}

std::vector<std::vector<size_t>> RanksByHost(absl::Span<const HostFacts> facts) {
  std::vector<std::string> hosts;
  for (const HostFacts& of_rank : facts) hosts.emplace_back(of_rank.name);
  return quadhop::RanksByHost(hosts);
}

Finding JudgeCores(absl::Span<const HostFacts> facts) {
  Finding finding{Verdict::kOk, "cores", "", ""};
  std::vector<std::string> parts;
  for (const std::vector<size_t>& ranks : RanksByHost(facts)) {
    const HostFacts& first = facts[ranks.front()];
    parts.push_back(absl::StrCat(first.name, ": ", first.cores, " for ",
                                 Counted(static_cast<int64_t>(ranks.size()), "rank"), ", ",
                                 Counted(first.threads, "thread"), " each"));
    if (static_cast<int64_t>(ranks.size()) > first.cores) {
      finding.verdict = Verdict::kWarn;
      finding.advice = "start at most as many ranks as cores; threads use the rest";
    }
  }
  finding.found = absl::StrJoin(parts, "; ");
  return finding;
}

Finding JudgeClocks(absl::Span<const HostFacts> facts) {
  const auto earlier = [](const HostFacts& a, const HostFacts& b) {
    return a.clock_ns < b.clock_ns;
  };
  const auto [low, high] = std::minmax_element(facts.begin(), facts.end(), earlier);
  const double seconds = static_cast<double>(high->clock_ns - low->clock_ns) * 1e-9;
  const bool large = seconds > kLargeClockDifferenceSeconds;
  return {
      large ? Verdict::kWarn : Verdict::kOk, "clocks",
      absl::StrFormat("differ by at most %.3f s (%s is ahead)", seconds, high->name),
      large ? "set them by NTP: logs and file times of different hosts cannot be compared" : ""};
}

std::string InstructionsOf(const HostFacts& facts) {
  if (facts.bf16) return "AVX-512 with BF16: model.precision=BF16 is faster";
  if (facts.avx512) return "AVX-512, no BF16";
  return facts.avx2 ? "AVX2, no AVX-512" : "no AVX2";
}

Finding JudgeProcessors(absl::Span<const HostFacts> facts) {
  std::map<std::string, std::vector<std::string>> hosts;  // by instructions
  for (const std::vector<size_t>& ranks : RanksByHost(facts))
    hosts[InstructionsOf(facts[ranks.front()])].push_back(facts[ranks.front()].name);
  if (hosts.size() == 1) {
    const bool slow = !facts[0].avx2;
    return {slow ? Verdict::kWarn : Verdict::kOk, "processor", hosts.begin()->first,
            slow ? "training runs, several times slower than with AVX2" : ""};
  }
  std::vector<std::string> parts;
  for (const auto& [instructions, names] : hosts)
    parts.push_back(absl::StrCat(absl::StrJoin(names, ", "), ": ", instructions));
  return {
      Verdict::kWarn, "processor", absl::StrJoin(parts, "; "),
      "results have the same digits on processors of one kind; every step waits for the slowest"};
}

Finding JudgeMemory(absl::Span<const HostFacts> facts) {
  const auto less = [](const HostFacts& a, const HostFacts& b) {
    return a.available_memory_bytes < b.available_memory_bytes;
  };
  const HostFacts& least = *std::min_element(facts.begin(), facts.end(), less);
  const bool little = least.available_memory_bytes < kLittleMemoryBytes;
  return {little ? Verdict::kWarn : Verdict::kOk, "memory",
          absl::StrCat(BytesText(least.available_memory_bytes), " available on ", least.name,
                       ", the host with the least"),
          little ? "end the programs that use it; quadhop plan says what a graph needs" : ""};
}

Finding JudgeOpenFiles(absl::Span<const HostFacts> facts) {
  const auto less = [](const HostFacts& a, const HostFacts& b) {
    return a.open_files < b.open_files;
  };
  const HostFacts& least = *std::min_element(facts.begin(), facts.end(), less);
  const auto needed = std::max<int64_t>(kFewOpenFiles, 4 * static_cast<int64_t>(facts.size()));
  const bool few = least.open_files < needed;
  return {few ? Verdict::kWarn : Verdict::kOk, "open files",
          absl::StrCat("a rank may have ", least.open_files, " (", least.name, ")"),
          few ? absl::StrCat("raise the limit to ", needed, ", by ulimit -n or limits.conf") : ""};
}

// "n1 (2 ranks), n2 (2 ranks)"
std::string DescribeHosts(absl::Span<const HostFacts> facts) {
  std::vector<std::string> parts;
  for (const std::vector<size_t>& ranks : RanksByHost(facts))
    parts.push_back(absl::StrCat(facts[ranks.front()].name, " (",
                                 Counted(static_cast<int64_t>(ranks.size()), "rank"), ")"));
  return absl::StrJoin(parts, ", ");
}

}  // namespace

absl::StatusOr<std::vector<HostFacts>> GatherHostFacts(const RankContext& context) {
  HostFacts mine;
  std::strncpy(mine.name, HostName().c_str(), sizeof(mine.name) - 1);
  mine.cores = AvailableCores();
  mine.threads = context.pool.num_threads();
  QH_ASSIGN_OR_RETURN(mine.available_memory_bytes, AvailableMemoryBytes());
  mine.open_files = OpenFilesAllowed();
  mine.avx2 = __builtin_cpu_supports("avx2") != 0;
  mine.avx512 = __builtin_cpu_supports("avx512f") != 0;
  mine.bf16 = ProcessorHasBF16Products();
  QH_RETURN_IF_ERROR(context.comm.Barrier("compare the clocks"));
  mine.clock_ns = absl::GetCurrentTimeNanos();
  return GatherOne(context.comm, "facts of hosts", mine);
}

Findings JudgeHosts(absl::Span<const HostFacts> facts) {
  Findings findings = {{Verdict::kOk, "ranks", DescribeHosts(facts), ""}, JudgeCores(facts)};
  if (RanksByHost(facts).size() > 1) findings.push_back(JudgeClocks(facts));
  findings.push_back(JudgeProcessors(facts));
  findings.push_back(JudgeMemory(facts));
  findings.push_back(JudgeOpenFiles(facts));
  return findings;
}

}  // namespace quadhop
