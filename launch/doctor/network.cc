#include "launch/doctor/network.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/base/median.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"

namespace quadhop {
namespace {

constexpr size_t kMaxHosts = 16;
constexpr int64_t kShortBytes = 8, kLongBytes = int64_t{32} << 20;
constexpr int kShortTrips = 101, kLongTrips = 5;
constexpr double kSlowBytesPerSecond = 0.5e9;   // a step's exchange is tens of MB
constexpr double kSlowLatencySeconds = 0.5e-3;  // a step has tens of waits

// The median time of `trips` exchanges of num_bytes each way between ranks 0 and `peer`. All ranks
// take part, the others with nothing to send, as in training.
absl::StatusOr<double> TripSeconds(Communicator& comm, int32_t peer, int64_t num_bytes, int trips) {
  const int32_t me = comm.rank().value();
  const int32_t other = me == 0 ? peer : me == peer ? 0 : -1;
  std::vector<uint8_t> sent(other >= 0 ? static_cast<size_t>(num_bytes) : 0), received(sent.size());
  std::vector<Communicator::Message> messages(static_cast<size_t>(comm.num_ranks()));
  if (other >= 0)
    messages[static_cast<size_t>(other)] = {sent.data(), num_bytes, received.data(), num_bytes};
  std::vector<double> seconds;
  for (int trip = 0; trip < trips; ++trip) {
    const Stopwatch watch;
    QH_RETURN_IF_ERROR(comm.AllToAllV("measure the network", messages));
    seconds.push_back(watch.Seconds());
  }
  return Median(std::move(seconds));
}

// The ranks with which rank 0 exchanges.
std::vector<int32_t> Peers(absl::Span<const HostFacts> facts) {
  std::vector<int32_t> peers;
  std::vector<std::string> seen = {facts[0].name};
  for (size_t r = 1; r < facts.size() && peers.size() < kMaxHosts; ++r) {
    if (std::find(seen.begin(), seen.end(), facts[r].name) != seen.end()) continue;
    seen.emplace_back(facts[r].name);
    peers.push_back(static_cast<int32_t>(r));
  }
  if (peers.empty() && facts.size() > 1) peers.push_back(1);
  return peers;
}

}  // namespace

absl::StatusOr<Findings> MeasureNetwork(const RankContext& context,
                                        absl::Span<const HostFacts> facts) {
  Findings findings;
  for (const int32_t peer : Peers(facts)) {
    QH_ASSIGN_OR_RETURN(const double latency,
                        TripSeconds(context.comm, peer, kShortBytes, kShortTrips));
    QH_ASSIGN_OR_RETURN(const double trip, TripSeconds(context.comm, peer, kLongBytes, kLongTrips));
    const double rate = static_cast<double>(kLongBytes) / trip;
    const HostFacts& theirs = facts[static_cast<size_t>(peer)];
    const bool same_host = std::strcmp(facts[0].name, theirs.name) == 0;
    const bool slow = rate < kSlowBytesPerSecond || latency > kSlowLatencySeconds;
    findings.push_back(
        {slow ? Verdict::kWarn : Verdict::kOk, "network",
         absl::StrFormat("%s: %.0f us per short exchange, %.2f GB/s each way",
                         same_host ? absl::StrCat("within ", theirs.name)
                                   : absl::StrCat(facts[0].name, " and ", theirs.name),
                         latency * 1e6, rate * 1e-9),
         !slow ? ""
         : same_host
             ? "training waits for it; leave each rank a core of its own, free of other work"
             : "training waits for it; name the fast network, by launch hosts --network or "
               "OMPI_MCA_btl_tcp_if_include"});
  }
  return findings;
}

}  // namespace quadhop
