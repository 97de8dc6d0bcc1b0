#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>

#include "core/store/store.h"
#include "launch/report/sections.h"

namespace quadhop {
namespace {

constexpr size_t kMostClasses = 40;  // that a picture has room for

const PartDetail& DetailOf(const RunRecord& run) {
  return run.test.degrees.empty() ? run.valid : run.test;
}

const char* PartOf(const RunRecord& run) {
  return run.test.degrees.empty() ? "validation" : "test";
}

bool HasDegrees(const RunRecord& run) { return !DetailOf(run).degrees.empty(); }

std::string RangeName(int64_t from) {
  if (from < 2) return absl::StrCat(from);
  return absl::StrCat(ShortNumber(static_cast<double>(from)), "-",
                      ShortNumber(static_cast<double>(2 * from - 1)));
}

Card ByDegree(const Runs& runs, bool accuracy) {
  Card card{accuracy ? "Accuracy by degree" : "Nodes by degree",
            accuracy ? "Of the test nodes, at the best epoch; of the validation nodes if a split "
                       "has no test nodes."
                     : "How many nodes each bar of the accuracy by degree stands for.",
            {},
            ""};
  std::set<int64_t> ranges;
  for (const RunRecord& run : runs)
    for (const PartDetail::Degrees& range : DetailOf(run).degrees) ranges.insert(range.from);
  Bars bars;
  for (const int64_t from : ranges) bars.groups.push_back(RangeName(from));
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!HasDegrees(runs[i])) continue;
    Bars::Kind kind{runs[i].name, i, std::vector<double>(ranges.size())};
    for (const PartDetail::Degrees& range : DetailOf(runs[i]).degrees) {
      const auto place =
          static_cast<size_t>(std::distance(ranges.begin(), ranges.find(range.from)));
      kind.values[place] = accuracy ? static_cast<double>(range.right) /
                                          static_cast<double>(std::max<int64_t>(1, range.nodes))
                                    : static_cast<double>(range.nodes);
    }
    bars.kinds.push_back(kind);
    card.keys.push_back({runs[i].name, i});
  }
  absl::StrAppend(&card.note, " ", NotRecordedBy(runs, HasDegrees));
  if (!bars.kinds.empty())
    card.chart = BarChart({card.title, "degree (neighbours per node)",
                           accuracy ? "accuracy (share of nodes)" : "nodes (count)"},
                          bars);
  return card;
}

std::vector<std::string> ClassNames(const RunRecord& run, size_t classes) {
  std::vector<std::string> names;
  const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(run.store);
  for (size_t c = 0; c < classes; ++c)
    names.push_back(store.ok() &&
                            (*store)->manifest().class_names_size() == static_cast<int>(classes)
                        ? (*store)->manifest().class_names(static_cast<int>(c))
                        : absl::StrCat(c));
  return names;
}

// The classes with the most nodes, in the order of their numbers.
std::vector<size_t> LargestClasses(const std::vector<std::vector<int64_t>>& confusion) {
  std::vector<size_t> classes(confusion.size());
  std::iota(classes.begin(), classes.end(), size_t{0});
  const auto nodes = [&](size_t c) {
    return std::accumulate(confusion[c].begin(), confusion[c].end(), int64_t{0});
  };
  std::stable_sort(classes.begin(), classes.end(),
                   [&](size_t a, size_t b) { return nodes(a) > nodes(b); });
  classes.resize(std::min(classes.size(), kMostClasses));
  std::sort(classes.begin(), classes.end());
  return classes;
}

Card Confusion(const RunRecord& run) {
  Card card{absl::StrCat("Confusion of classes: ", run.name), "", {}, ""};
  const auto& confusion = DetailOf(run).confusion;
  if (confusion.empty()) {
    card.note =
        "Not recorded: the run is older, had no evaluation, has more than 256 classes, or "
        "several labels per node.";
    return card;
  }
  const std::vector<size_t> classes = LargestClasses(confusion);
  const std::vector<std::string> names = ClassNames(run, confusion.size());
  card.note = absl::StrFormat(
      "Of the %s nodes at epoch %d%s. A row is a class, its cells the shares predicted as each "
      "class; a perfect model has only the diagonal.",
      PartOf(run), run.detail_epoch,
      classes.size() < confusion.size()
          ? absl::StrFormat(", the %d largest of %d classes", classes.size(), confusion.size())
          : "");
  HeatMap map;
  for (const size_t row : classes) {
    const int64_t nodes = std::accumulate(confusion[row].begin(), confusion[row].end(), int64_t{0});
    map.rows.push_back(absl::StrCat(row));
    map.shares.emplace_back();
    map.notes.emplace_back();
    for (const size_t column : classes) {
      const int64_t count = column < confusion[row].size() ? confusion[row][column] : 0;
      map.shares.back().push_back(static_cast<double>(count) /
                                  static_cast<double>(std::max<int64_t>(1, nodes)));
      map.notes.back().push_back(absl::StrFormat("%s predicted as %s: %d of %d nodes", names[row],
                                                 names[column], count, nodes));
    }
  }
  map.columns = map.rows;
  card.chart = HeatChart({card.title, "predicted class (number)", "class (number)"}, map);
  return card;
}

}  // namespace

std::string MistakesSection(const Runs& runs) {
  std::vector<Card> cards = {ByDegree(runs, true), ByDegree(runs, false)};
  for (const RunRecord& run : runs) cards.push_back(Confusion(run));
  return SectionHtml("Where it is right and wrong", cards);
}

}  // namespace quadhop
