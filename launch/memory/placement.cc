#include "launch/memory/placement.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "launch/ranks/host_sums.h"

namespace quadhop {
namespace {

int64_t UsableBytes(const PlacementFacts& facts) {
  return quadhop::UsableBytes(facts.available_bytes);
}

absl::StatusOr<bool> OnEveryRank(Communicator& comm, bool here) {
  int64_t ranks_where = here ? 1 : 0;
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "choice of a placement", absl::MakeSpan(&ranks_where, 1)));
  return ranks_where == comm.num_ranks();
}

// Of what does not fit: its files are read again and again.
constexpr char kReadAgain[] =
    ": rows are read from files, slowly where they do not stay in memory; start ranks on more "
    "hosts, or propagate again with --dtype f16";

absl::Status PlaceFeatures(const SamplerConfig& config, const PlacementFacts& facts,
                           Communicator& comm, Placement& placement) {
  const int64_t store_bytes = facts.feature_bytes + facts.topology_bytes;
  QH_ASSIGN_OR_RETURN(
      const int64_t work_bytes,
      SumOnHost(comm, "work of a host", facts.first_rank_on_host, facts.working_bytes));
  const std::string need = absl::StrFormat(
      "%s of features and topology and %s of work of %s on this host", BytesText(store_bytes),
      BytesText(work_bytes), Counted(facts.ranks_on_host, "rank"));
  QH_ASSIGN_OR_RETURN(const bool fits,
                      OnEveryRank(comm, store_bytes + work_bytes <= UsableBytes(facts)));
  QH_ASSIGN_OR_RETURN(const int64_t parts_bytes,
                      SumOnHost(comm, "parts of a host's ranks", facts.first_rank_on_host,
                                facts.own_feature_bytes + facts.working_bytes));
  QH_ASSIGN_OR_RETURN(const bool parts_fit, OnEveryRank(comm, parts_bytes <= UsableBytes(facts)));
  std::string reason = "as the config says";
  placement.features = config.feature_placement();
  if (placement.features == FeaturePlacement::AUTO) {
    const bool alone = comm.num_ranks() == 1;
    const bool mapped = fits || !facts.samples || alone || !parts_fit;
    placement.features = mapped ? FeaturePlacement::MAPPED : FeaturePlacement::PARTITIONED;
    const std::string usable = BytesText(UsableBytes(facts));
    if (!facts.samples)
      reason = "a rank reads its own nodes only";
    else if (fits)
      reason = alone ? "one rank needs them all" : absl::StrCat(need, " fit in ", usable);
    else if (alone)
      reason = absl::StrCat("one rank needs them all, and ", need, " do not fit in ", usable,
                            kReadAgain);
    else
      reason = absl::StrCat(need, " do not fit in ", usable, ", here or on another host",
                            parts_fit ? "" : ", nor does what ranks there would keep of them",
                            parts_fit ? "" : kReadAgain);
  }
  absl::StrAppend(&placement.reason, "features ", FeaturePlacement::Value_Name(placement.features),
                  ": ", reason);
  return absl::OkStatus();
}

void PlaceHotSet(const SamplerConfig& config, const PlacementFacts& facts, Placement& placement) {
  if (placement.features != FeaturePlacement::PARTITIONED) return;
  placement.resident_bytes += facts.own_feature_bytes;
  placement.hot_set_bytes = config.hot_set_bytes();
  const int64_t usable = UsableBytes(facts) / facts.ranks_on_host;
  if (placement.hot_set_bytes < 0 && facts.forecast_bytes > usable) {
    placement.hot_set_bytes = 0;
    absl::StrAppend(&placement.reason, "; no hot set, as choosing one takes ",
                    BytesText(facts.forecast_bytes), " of a rank's ", BytesText(usable));
  } else if (placement.hot_set_bytes < 0) {
    const int64_t left = usable - facts.working_bytes - facts.own_feature_bytes;
    placement.hot_set_bytes =
        std::max<int64_t>(0, std::min(facts.feature_bytes / kDefaultHotSetPart, left / 2));
  }
  placement.hot_set_bytes = std::min(placement.hot_set_bytes, facts.largest_hot_set_bytes);
  placement.resident_bytes += placement.hot_set_bytes;
  if (placement.hot_set_bytes > 0) placement.forecast_bytes = facts.forecast_bytes;
}

absl::Status PlaceTopology(const SamplerConfig& config, const PlacementFacts& facts,
                           Communicator& comm, Placement& placement) {
  std::string reason = "as the config says";
  placement.topology = config.topology_placement();
  const bool is_auto = placement.topology == TopologyPlacement::AUTO;
  const int64_t shared_features =
      placement.features == FeaturePlacement::MAPPED ? facts.feature_bytes : 0;
  const int64_t of_rank =
      std::max(facts.working_bytes + placement.resident_bytes, placement.forecast_bytes);
  QH_ASSIGN_OR_RETURN(const int64_t of_ranks, SumOnHost(comm, "memory of a host's ranks",
                                                        facts.first_rank_on_host, of_rank));
  const bool fits = facts.topology_bytes + shared_features + of_ranks <= UsableBytes(facts);
  const bool may_copy =
      placement.topology == TopologyPlacement::RESIDENT || (is_auto && facts.samples && !fits);
  const int64_t resident = may_copy ? facts.resident_topology_bytes() : 0;
  QH_ASSIGN_OR_RETURN(const int64_t copies, SumOnHost(comm, "copies of a host's ranks",
                                                      facts.first_rank_on_host, resident));
  if (is_auto && !facts.samples) {
    placement.topology = TopologyPlacement::MAPPED;
    reason = "the model does not sample";
  } else if (is_auto && fits) {
    placement.topology = TopologyPlacement::MAPPED;
    reason = absl::StrCat(BytesText(facts.topology_bytes),
                          ", one copy for the ranks of a host, fit beside the rest");
  } else if (may_copy) {
    // What is mapped need not be in memory; copies must.
    const bool copies_fit =
        placement.features != FeaturePlacement::MAPPED || of_ranks + copies <= UsableBytes(facts);
    const bool copy = !is_auto || (copies < facts.topology_bytes && copies_fit);
    if (is_auto)
      reason = absl::StrFormat(
          "memory is short, and copies of what is needed take %s for %s here, the whole %s",
          BytesText(copies), Counted(facts.ranks_on_host, "rank"), BytesText(facts.topology_bytes));
    else
      absl::StrAppend(&reason, "; ", BytesText(resident), " on this rank, the whole is ",
                      BytesText(facts.topology_bytes));
    placement.topology = copy ? TopologyPlacement::RESIDENT : TopologyPlacement::MAPPED;
    if (copy) placement.resident_bytes += resident;
    if (copy && placement.forecast_bytes > 0) placement.forecast_bytes += resident;
  }
  absl::StrAppend(&placement.reason, "\ntopology ",
                  TopologyPlacement::Value_Name(placement.topology), ": ", reason);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Placement> ChoosePlacement(const SamplerConfig& config, const PlacementFacts& mine,
                                          Communicator& comm) {
  PlacementFacts facts = mine;
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> available_bytes,
                      GatherOnHost(comm, "memory available on a host", mine.first_rank_on_host,
                                   mine.available_bytes));
  facts.available_bytes = *std::min_element(available_bytes.begin(), available_bytes.end());
  Placement placement;
  QH_RETURN_IF_ERROR(PlaceFeatures(config, facts, comm, placement));
  PlaceHotSet(config, facts, placement);
  QH_RETURN_IF_ERROR(PlaceTopology(config, facts, comm, placement));
  return placement;
}

absl::Status CheckLockedRows(const PlacementFacts& facts) {
  const int64_t need = facts.feature_bytes + facts.ranks_on_host * facts.forecast_bytes;
  if (need <= facts.available_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s of feature rows are more than a GPU has room for; to read the rest from this host's "
      "memory, and to choose which (%s per rank), takes %s there, but %s are left: train on more "
      "hosts with sampler.feature_placement=PARTITIONED, propagate again with --dtype f16, or set "
      "sampler.backend=CPU",
      BytesText(facts.feature_bytes), BytesText(facts.forecast_bytes), BytesText(need),
      BytesText(facts.available_bytes)));
}

}  // namespace quadhop
