#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "launch/report/partition_map.h"
#include "launch/report/sections.h"

namespace quadhop {
namespace {

// Beyond these, a page would take minutes.
constexpr int64_t kMostArcs = int64_t{1} << 30;
constexpr size_t kMostParts = 128;

Card Sizes(const std::string& store, const PartitionMap& map) {
  Card card{"Partitions: size and halo",
            absl::StrCat("Of ", store,
                         ". Halo: nodes of other partitions that a partition's arcs lead to."),
            {{"nodes", 0}, {"halo", 1}},
            ""};
  Bars bars;
  bars.kinds = {{"nodes", 0, {}}, {"halo", 1, {}}};
  for (size_t p = 0; p < map.quality.parts.size(); ++p) {
    bars.groups.push_back(absl::StrCat(p));
    bars.kinds[0].values.push_back(static_cast<double>(map.quality.parts[p].nodes));
    bars.kinds[1].values.push_back(static_cast<double>(map.quality.parts[p].halo_nodes));
  }
  card.chart = BarChart({card.title, "partition (number)", "nodes (count)"}, bars);
  return card;
}

Card Cut(const std::string& store, const PartitionMap& map) {
  const PartFigures all = map.quality.Total();
  const double share =
      static_cast<double>(all.cut_arcs) / static_cast<double>(std::max<int64_t>(1, all.arcs));
  Card card{"Partitions: cut",
            absl::StrFormat("Of %s: %.1f %% of %s arcs lead to another partition. A row is a "
                            "partition, its cells the shares of its arcs to each partition.",
                            store, 100 * share, ShortNumber(static_cast<double>(all.arcs))),
            {},
            ""};
  HeatMap heat;
  for (size_t p = 0; p < map.cut.size(); ++p) {
    heat.rows.push_back(absl::StrCat(p));
    heat.shares.emplace_back();
    heat.notes.emplace_back();
    const int64_t arcs = map.quality.parts[p].arcs;
    for (size_t q = 0; q < map.cut.size(); ++q) {
      heat.shares.back().push_back(static_cast<double>(map.cut[p][q]) /
                                   static_cast<double>(std::max<int64_t>(1, arcs)));
      heat.notes.back().push_back(
          absl::StrFormat("from %d to %d: %d of %d arcs", p, q, map.cut[p][q], arcs));
    }
  }
  heat.columns = heat.rows;
  card.chart = HeatChart({card.title, "to partition (number)", "from partition (number)"}, heat);
  return card;
}

Card Missing(const std::string& store, const std::string& why) {
  return {"Partitions", absl::StrCat("Of ", store, ": not shown, since ", why, "."), {}, ""};
}

std::vector<Card> CardsOf(const std::string& path, ThreadPool& pool) {
  const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(path);
  if (!store.ok())
    return {Missing(
        path, absl::StrCat("it cannot be read (", std::string(store.status().message()), ")"))};
  const std::string name = path.substr(path.rfind('/') + 1);
  if ((*store)->manifest().arcs() > kMostArcs)
    return {Missing(name, "it has more than 2^30 arcs; quadhop inspect prints its cut")};
  if (static_cast<size_t>((*store)->num_partitions()) > kMostParts)
    return {Missing(name, absl::StrCat("it has more than ", kMostParts, " partitions"))};
  const absl::Status intact = (*store)->VerifyFiles({"indptr.npy", "indices.npy"}, pool);
  if (!intact.ok()) return {Missing(name, std::string(intact.message()))};
  const absl::StatusOr<PartitionMap> map = MapPartitions(**store, pool);
  if (!map.ok()) return {Missing(name, std::string(map.status().message()))};
  return {Sizes(name, *map), Cut(name, *map)};
}

}  // namespace

std::string PartitionSection(const Runs& runs, ThreadPool& pool) {
  std::set<std::string> stores;
  std::vector<Card> cards;
  for (const RunRecord& run : runs) {
    if (!stores.insert(run.store).second) continue;
    for (const Card& card : CardsOf(run.store, pool)) cards.push_back(card);
  }
  return SectionHtml("Graph and partitions", cards);
}

}  // namespace quadhop
