#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>

#include "launch/report/sections.h"
#include "sampler/batches/stage_clock.h"

namespace quadhop {
namespace {

constexpr LoaderStage kStages[] = {LoaderStage::kPlan, LoaderStage::kSample, LoaderStage::kUnique,
                                   LoaderStage::kExchange, LoaderStage::kGather};

std::string Number(const char* kind, LoaderStage stage) {
  return absl::StrCat("loading.", kind, "_", LoaderStageName(stage), "_seconds");
}

double MedianOr0(const RunRecord& run, const std::string& number) {
  return run.Median(number).value_or(0);
}

bool HasTimes(const RunRecord& run) { return run.epochs.count("seconds") != 0; }

void AddKeys(const Bars& bars, Card& card) {
  for (const Bars::Kind& kind : bars.kinds) card.keys.push_back({kind.name, kind.color});
}

// What a step waits for, and the rest, which is computing.
Card StepTime(const Runs& runs) {
  Card card{"Time of a training step",
            "Medians over epochs. Stages of making batches, and sums over ranks, count only as far "
            "as training waited for them.",
            {},
            ""};
  Bars bars;
  bars.stacked = true;
  bars.kinds.push_back({"computing", 0, {}});
  for (size_t s = 0; s < std::size(kStages); ++s)
    bars.kinds.push_back({absl::StrCat("waiting: ", LoaderStageName(kStages[s])), s + 1, {}});
  bars.kinds.push_back({"waiting: sums over ranks", std::size(kStages) + 1, {}});
  // Counts the steps since a resume, if there was one within the epoch.
  const auto has = [](const RunRecord& run) { return MedianOr0(run, "loading.steps") > 0; };
  for (const RunRecord& run : runs) {
    if (!has(run)) continue;
    bars.groups.push_back(run.name);
    const double to_ms = 1e3 / MedianOr0(run, "loading.steps");
    double computing = MedianOr0(run, "loading.seconds");
    for (size_t s = 0; s < std::size(kStages); ++s) {
      const double waited = MedianOr0(run, Number("exposed", kStages[s]));
      bars.kinds[s + 1].values.push_back(waited * to_ms);
      computing -= waited;
    }
    const double sums = MedianOr0(run, "loading.exposed_sums_seconds");
    bars.kinds.back().values.push_back(sums * to_ms);
    computing -= sums;
    bars.kinds[0].values.push_back(std::max(0.0, computing) * to_ms);
  }
  absl::StrAppend(&card.note, " ", NotRecordedBy(runs, has));
  AddKeys(bars, card);
  if (!bars.groups.empty()) card.chart = BarChart({card.title, "run", "time per step (ms)"}, bars);
  return card;
}

Card BusyTime(const Runs& runs) {
  Card card{"Making batches, in the background",
            "Seconds of an epoch that a rank spends in each stage, mean over ranks, median over "
            "epochs. What is hidden behind computing costs nothing.",
            {},
            ""};
  Bars bars;
  for (size_t i = 0; i < runs.size(); ++i) {
    Bars::Kind kind{runs[i].name, i, {}};
    for (const LoaderStage stage : kStages)
      kind.values.push_back(MedianOr0(runs[i], Number("busy", stage)));
    bars.kinds.push_back(kind);
  }
  for (const LoaderStage stage : kStages) bars.groups.emplace_back(LoaderStageName(stage));
  AddKeys(bars, card);
  card.chart = BarChart({card.title, "stage", "time per epoch (s)"}, bars);
  return card;
}

Card EpochTime(const Runs& runs) {
  Card card{"Time of an epoch", "Medians over epochs.", {}, ""};
  Bars bars;
  bars.stacked = true;
  bars.kinds = {{"training", 0, {}}, {"evaluation", 1, {}}};
  for (const RunRecord& run : runs) {
    if (!HasTimes(run)) continue;
    bars.groups.push_back(run.name);
    bars.kinds[0].values.push_back(MedianOr0(run, "seconds"));
    bars.kinds[1].values.push_back(MedianOr0(run, "evaluation_seconds"));
  }
  absl::StrAppend(&card.note, " ", NotRecordedBy(runs, HasTimes));
  AddKeys(bars, card);
  if (!bars.groups.empty()) card.chart = BarChart({card.title, "run", "time (s)"}, bars);
  return card;
}

Card Exchange(const Runs& runs) {
  Card card{"Exchange of features between ranks", "Medians over epochs, sums over ranks.", {}, ""};
  const auto has = [](const RunRecord& run) {
    return run.epochs.count("loading.remote_rows") != 0;
  };
  std::vector<std::vector<std::string>> rows;
  for (const RunRecord& run : runs) {
    if (!has(run)) continue;
    rows.push_back(
        {run.name, ShortNumber(MedianOr0(run, "loading.remote_rows")),
         run.epochs.count("loading.hot_set_hit_rate") == 0
             ? "-"
             : absl::StrFormat("%.1f %%", 100 * MedianOr0(run, "loading.hot_set_hit_rate")),
         ShortNumber(MedianOr0(run, "loading.feature_bytes_received"))});
  }
  if (rows.empty())
    card.note =
        "None of these runs exchanged features: every rank read them from the store's files "
        "(sampler.feature_placement).";
  else
    absl::StrAppend(&card.note, " ", NotRecordedBy(runs, has, "Nothing was exchanged by "));
  if (!rows.empty())
    card.chart = TableHtml({"run", "rows of other ranks per epoch", "of them in the hot set",
                            "received bytes per epoch"},
                           rows);
  return card;
}

}  // namespace

std::string TimeSection(const Runs& runs) {
  return SectionHtml("Time", {StepTime(runs), EpochTime(runs), BusyTime(runs), Exchange(runs)});
}

}  // namespace quadhop
