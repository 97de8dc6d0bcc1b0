#include "launch/training/run_summary.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/base/median.h"
#include "core/base/status.h"
#include "launch/config/config.h"
#include "launch/memory/peak_memory.h"
#include "launch/results/evaluation.h"
#include "launch/results/majority_class.h"
#include "launch/results/metrics.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/session/class_counts.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

constexpr double kLargeLearningRate = 0.01;

std::string OneClassAdvice(int32_t classes, const TrainConfig& config) {
  std::vector<std::string> for_rare_ones;
  if (config.class_weights() != TrainConfig::BALANCED)
    for_rare_ones.emplace_back("train.class_weights=BALANCED");
  if (classes == 2) for_rare_ones.emplace_back("train.select_by=ROC_AUC");
  return absl::StrCat(
      "the best model predicts the same class for every validation node: raise train.epochs",
      config.learning_rate() > kLargeLearningRate ? " or lower train.learning_rate" : "",
      for_rare_ones.empty() ? ""
                            : absl::StrCat(", or, if other classes are rare, set ",
                                           absl::StrJoin(for_rare_ones, " and ")),
      " (docs/results.md)");
}

// Of a run that has ended, besides its position.
struct RunFigures {
  double epoch_seconds = 0;  // median
  double train_nodes_per_second = 0;
  int64_t peak_rss_bytes = 0;         // of the rank with most
  int64_t best_checkpoint_epoch = 0;  // 0: that checkpoint could not be written
  double majority = 0;                // test accuracy of the most frequent class; NaN: none
  int64_t num_failed_checkpoints = 0;
};

int64_t BestCheckpointEpoch(const RunFolder& folder) {
  const absl::StatusOr<std::string> path = FindCheckpoint(folder.path(), "best");
  if (!path.ok()) return 0;
  const absl::StatusOr<CheckpointManifest> best = ReadCheckpointManifest(*path);
  return best.ok() ? best->position().epoch() : 0;
}

JsonObject SummaryOf(Session& session, const RunPosition& position, const RunFigures& figures) {
  JsonObject summary;
  for (const NamedMetric& metric : position.best_metrics())
    summary.Add(metric.name(), metric.value());
  summary.Add("best_epoch", position.best_epoch())
      .Add("best_checkpoint_epoch", figures.best_checkpoint_epoch)
      .Add("epochs", position.epoch())
      .Add("epoch_seconds", figures.epoch_seconds)
      .Add("train_nodes_per_second", figures.train_nodes_per_second)
      .Add("parameters", ParameterSet::NumTrained(session.model().options()))
      .Add("ranks", session.context().comm.num_ranks())
      .Add("precision", PrecisionName(session.model().options().precision))
      .Add("peak_rss_bytes", figures.peak_rss_bytes)
      .Add("skipped_steps", position.skipped_steps())
      .Add("failed_checkpoints", figures.num_failed_checkpoints);
  if (const auto ranked = session.ranked_class())
    summary.Add("ranked_class", ClassName(session.store().manifest(), *ranked));
  if (!std::isnan(figures.majority)) summary.Add("majority_class_test_accuracy", figures.majority);
  return summary;
}

std::string ResultText(Session& session, const RunPosition& position, const RunFigures& figures) {
  const std::string epoch =
      std::isnan(position.best_valid())
          ? absl::StrFormat("after the last epoch (%d), as there are no validation nodes",
                            position.best_epoch())
          : absl::StrFormat("at the best validation epoch (%d of %d)", position.best_epoch(),
                            position.epoch());
  const std::string beside =
      SelectsByRocAuc(session.config()) || std::isnan(figures.majority)
          ? ""
          : absl::StrCat("; the most frequent class alone: ", FigureText(figures.majority));
  const bool tested = session.inputs().NumLabelled(SplitPart::kTest) > 0;
  return absl::StrFormat("%s %s%s %s%s; median epoch %.2f s, %.0f training nodes/s",
                         tested ? "test" : "no test nodes: valid", SelectedMetric(session),
                         FigureText(tested ? position.best_test() : position.best_valid()), epoch,
                         beside, figures.epoch_seconds, figures.train_nodes_per_second);
}

// "" if there is none to give.
std::string Advice(Session& session, const RunPosition& position, const RunFigures& figures) {
  const TrainConfig& config = session.config().train();
  if (position.best_says_one_class() && !SelectsByRocAuc(session.config()))
    return OneClassAdvice(session.store().manifest().classes(), config);
  if (session.store().manifest().multi_label() && !SelectsByRocAuc(session.config()) &&
      session.inputs().NumLabelled(SplitPart::kValid) > 0 && position.latest_valid() == 0)
    return absl::StrFormat(
        "the latest model gets no label of any validation node right (F1 0), so that the best "
        "epoch, %d, may be one of chance: set train.select_by=ROC_AUC, or raise train.epochs "
        "(docs/results.md)",
        position.best_epoch());
  if (!SelectsByRocAuc(session.config()) && position.best_test() < figures.majority)
    return absl::StrCat("the best model is right about fewer test nodes than the most frequent ",
                        "class alone: raise train.epochs, or try another train.learning_rate ",
                        "(docs/results.md)");
  if (position.best_epoch() == config.epochs() && position.evaluations_without_better() == 0 &&
      !std::isnan(position.best_valid()) && config.schedule() == TrainConfig::CONSTANT)
    return "the best epoch is the last: more epochs (train.epochs) may be better";
  return "";
}

}  // namespace

absl::Status SummarizeRun(Session& session, const RunPosition& position, bool diverged,
                          RunFolder* folder, int64_t num_failed_checkpoints,
                          TrainDisplay& display) {
  const int64_t my_peak_rss_bytes = PeakResidentBytes();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> peak_rss_bytes,
                      GatherOne(session.context().comm, "peak memory", my_peak_rss_bytes));
  if (folder == nullptr) return absl::OkStatus();
  RunFigures figures;
  figures.epoch_seconds =
      Median({position.epoch_seconds().begin(), position.epoch_seconds().end()});
  figures.train_nodes_per_second =
      static_cast<double>(session.inputs().NumLabelled(SplitPart::kTrain)) / figures.epoch_seconds;
  figures.peak_rss_bytes = *std::max_element(peak_rss_bytes.begin(), peak_rss_bytes.end());
  figures.best_checkpoint_epoch = BestCheckpointEpoch(*folder);
  figures.num_failed_checkpoints = num_failed_checkpoints;
  QH_ASSIGN_OR_RETURN(figures.majority,
                      MajorityClassTestAccuracy(session.store(), session.split()));
  QH_RETURN_IF_ERROR(folder->WriteSummary(SummaryOf(session, position, figures)));
  display.Say(ResultText(session, position, figures));
  if (diverged) return absl::OkStatus();
  if (const std::string advice = Advice(session, position, figures); !advice.empty())
    display.Say(advice);
  return absl::OkStatus();
}

}  // namespace quadhop
