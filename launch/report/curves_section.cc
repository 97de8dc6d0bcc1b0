#include <algorithm>

#include "launch/report/sections.h"

namespace quadhop {
namespace {

// One curve per run for each of the numbers that its epochs have; the first solid, the second
// dashed.
Card EpochCurves(const Runs& runs, const std::string& title, const std::string& note,
                 const std::string& y,
                 const std::vector<std::pair<std::string, std::string>>& kinds) {
  Card card{title, note, {}, ""};
  std::vector<Series> series;
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t k = 0; k < kinds.size(); ++k) {
      const auto found = runs[i].epochs.find(kinds[k].second);
      if (found == runs[i].epochs.end() || found->second.empty()) continue;
      const std::string name =
          kinds.size() > 1 ? runs[i].name + ", " + kinds[k].first : runs[i].name;
      series.push_back({name, i, k == 1, found->second});
      card.keys.push_back({name, i, k == 1});
    }
  }
  const std::string missing = NotRecordedBy(runs, [&](const RunRecord& run) {
    const auto found = run.epochs.find(kinds[0].second);
    return found != run.epochs.end() && !found->second.empty();
  });
  if (!missing.empty()) card.note += " " + missing;
  if (!series.empty()) card.chart = LineChart({title, "epoch", y}, series);
  return card;
}

// At most `most` points, each the mean of neighbours: thousands of steps would be a blur.
Points Thinned(const Points& points, size_t most) {
  const size_t each = points.size() / most + 1;
  Points thin;
  for (size_t begin = 0; begin < points.size(); begin += each) {
    const size_t end = std::min(points.size(), begin + each);
    double x = 0, y = 0;
    for (size_t i = begin; i < end; ++i) {
      x += points[i].first;
      y += points[i].second;
    }
    const auto count = static_cast<double>(end - begin);
    thin.emplace_back(x / count, y / count);
  }
  return thin;
}

Card StepLosses(const Runs& runs) {
  Card card{
      "Training loss by step", "The loss of logged steps; many steps are drawn as means.", {}, ""};
  std::vector<Series> series;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].step_losses.empty()) continue;
    series.push_back({runs[i].name, i, false, Thinned(runs[i].step_losses, 160)});
    card.keys.push_back({runs[i].name, i});
  }
  const std::string missing =
      NotRecordedBy(runs, [](const RunRecord& run) { return !run.step_losses.empty(); });
  if (!missing.empty()) card.note += " " + missing;
  if (!series.empty()) card.chart = LineChart({card.title, "step", "loss (nats)"}, series);
  return card;
}

bool AnyHas(const Runs& runs, const char* number) {
  for (const RunRecord& run : runs)
    if (run.epochs.count(number) != 0) return true;
  return false;
}

}  // namespace

std::string CurvesSection(const Runs& runs) {
  std::vector<Card> cards = {
      EpochCurves(runs, "Loss by epoch",
                  "The mean over training nodes, with dropout and class "
                  "weights; over validation nodes, without.",
                  "loss (nats)", {{"training", "train_loss"}, {"valid", "valid_loss"}}),
      StepLosses(runs)};
  const std::string note = "Over all nodes of the part, in the epochs that evaluated them.";
  if (AnyHas(runs, "valid_accuracy"))
    cards.push_back(EpochCurves(runs, "Accuracy by epoch", note, "accuracy (share of nodes)",
                                {{"valid", "valid_accuracy"}, {"test", "test_accuracy"}}));
  if (AnyHas(runs, "valid_roc_auc"))
    cards.push_back(EpochCurves(runs, "ROC AUC by epoch", note, "area under the curve (share)",
                                {{"valid", "valid_roc_auc"}, {"test", "test_roc_auc"}}));
  if (AnyHas(runs, "valid_micro_f1"))
    cards.push_back(EpochCurves(runs, "Micro F1 by epoch", note, "F1 (share)",
                                {{"valid", "valid_micro_f1"}, {"test", "test_micro_f1"}}));
  cards.push_back(EpochCurves(runs, "Speed by epoch", "Over all ranks, without evaluation.",
                              "training nodes per second (1/s)",
                              {{"training", "train_nodes_per_second"}}));
  return SectionHtml("Curves", cards);
}

}  // namespace quadhop
