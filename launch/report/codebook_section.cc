#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "launch/report/sections.h"

namespace quadhop {
namespace {

bool HasCodebook(const RunRecord& run) { return !run.codebook_counts.empty(); }

// exp of the entropy: how many centroids, equally used, would be as mixed.
double Perplexity(const std::vector<int64_t>& counts) {
  double all = 0, sum = 0;
  for (const int64_t count : counts) all += static_cast<double>(count);
  for (const int64_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / all;
    sum -= share * std::log(share);
  }
  return std::exp(sum);
}

}  // namespace

std::string CodebookSection(const Runs& runs) {
  Card curve{"Nodes of each centroid",
             "Centroids by how many nodes are assigned to them, at the best epoch; nodes that were "
             "never trained on keep the centroid they were given by chance. ",
             {},
             ""};
  std::vector<Series> series;
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!HasCodebook(runs[i])) continue;
    std::vector<int64_t> counts = runs[i].codebook_counts;
    std::sort(counts.begin(), counts.end(), std::greater<>());
    Points points;
    for (size_t m = 0; m < counts.size(); ++m)
      points.emplace_back(static_cast<double>(m + 1), static_cast<double>(counts[m]));
    series.push_back({runs[i].name, i, false, points});
    curve.keys.push_back({runs[i].name, i});
    const auto unused = std::count(counts.begin(), counts.end(), 0);
    rows.push_back({runs[i].name, absl::StrFormat("%d", counts.size()),
                    absl::StrFormat("%d", static_cast<int64_t>(counts.size()) - unused),
                    absl::StrFormat("%.1f", Perplexity(counts))});
  }
  curve.note += NotRecordedBy(runs, HasCodebook, "Without a codebook, or not recorded: ");
  if (series.empty()) return SectionHtml("Codebook", {curve});
  curve.chart = LineChart({curve.title, "centroid, by rank (count)", "nodes (count)"}, series);
  const Card table{"Use of the codebook",
                   "Perplexity: how many centroids, equally used, would be as mixed.",
                   {},
                   TableHtml({"run", "centroids", "with nodes", "perplexity"}, rows)};
  return SectionHtml("Codebook", {curve, table});
}

}  // namespace quadhop
