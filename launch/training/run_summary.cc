#include "launch/training/run_summary.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "comm/gather.h"
#include "core/median.h"
#include "core/status.h"
#include "launch/memory/peak_memory.h"
#include "launch/results/evaluation.h"
#include "launch/results/majority_class.h"
#include "launch/results/metrics.h"
#include "launch/run/checkpoint_folder.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

std::string OneClassAdvice(int32_t classes, const TrainConfig& config) {
  std::vector<std::string> for_rare_ones;
  if (config.class_weights() != TrainConfig::BALANCED)
    for_rare_ones.emplace_back("train.class_weights=BALANCED");
  if (classes == 2) for_rare_ones.emplace_back("train.select_by=ROC_AUC");
  return absl::StrCat(
      "the best model predicts the same class for every validation node: raise train.epochs",
      for_rare_ones.empty() ? ""
                            : absl::StrCat(", or, if other classes are rare, set ",
                                           absl::StrJoin(for_rare_ones, " or ")),
      " (docs/results.md)");
}

}  // namespace

absl::Status SummarizeRun(Session& session, const RunPosition& position, RunFolder* folder,
                          int64_t num_failed_checkpoints, TrainDisplay& display) {
  Communicator& comm = session.context().comm;
  const int64_t my_peak_rss_bytes = PeakResidentBytes();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> peak_rss_bytes,
                      GatherOne(comm, "peak memory", my_peak_rss_bytes));
  if (folder == nullptr) return absl::OkStatus();
  const double epoch_seconds =
      Median({position.epoch_seconds().begin(), position.epoch_seconds().end()});
  const auto train_nodes = static_cast<double>(session.loader().NumLabelled(SplitPart::kTrain));
  const double rate = train_nodes / epoch_seconds;
  // Not of the best epoch, if that checkpoint could not be written.
  absl::StatusOr<CheckpointManifest> best = absl::NotFoundError("");
  if (const auto path = FindCheckpoint(folder->path(), "best"); path.ok())
    best = ReadCheckpointManifest(*path);
  JsonObject summary;
  for (const NamedMetric& metric : position.best_metrics())
    summary.Add(metric.name(), metric.value());
  summary.Add("best_epoch", position.best_epoch())
      .Add("best_checkpoint_epoch", best.ok() ? best->position().epoch() : 0)
      .Add("epochs", position.epoch())
      .Add("epoch_seconds", epoch_seconds)
      .Add("train_nodes_per_second", rate)
      .Add("parameters", ParameterSet::NumTrained(session.model().options()))
      .Add("ranks", comm.num_ranks())
      .Add("precision", PrecisionName(session.model().options().precision))
      .Add("peak_rss_bytes", *std::max_element(peak_rss_bytes.begin(), peak_rss_bytes.end()))
      .Add("skipped_steps", position.skipped_steps())
      .Add("failed_checkpoints", num_failed_checkpoints);
  QH_ASSIGN_OR_RETURN(const double majority,
                      MajorityClassTestAccuracy(session.store(), session.split()));
  if (!std::isnan(majority)) summary.Add("majority_class_test_accuracy", majority);
  QH_RETURN_IF_ERROR(folder->WriteSummary(summary));
  const TrainConfig& config = session.config().train();
  const bool by_roc_auc = config.select_by() == TrainConfig::ROC_AUC;
  const std::string epoch =
      std::isnan(position.best_valid())
          ? absl::StrFormat("after the last epoch (%d), as there are no validation nodes",
                            position.best_epoch())
          : absl::StrFormat("at the best validation epoch (%d of %d)", position.best_epoch(),
                            position.epoch());
  const std::string beside =
      by_roc_auc || std::isnan(majority)
          ? ""
          : absl::StrCat("; the most frequent class alone: ", FigureText(majority));
  display.Say(absl::StrFormat("test %s%s %s%s; median epoch %.2f s, %.0f training nodes/s",
                              SelectedMetric(session), FigureText(position.best_test()), epoch,
                              beside, epoch_seconds, rate));
  if (position.best_says_one_class() && !by_roc_auc)
    display.Say(OneClassAdvice(session.store().manifest().classes(), config));
  else if (position.best_epoch() == config.epochs() && position.evaluations_without_better() == 0 &&
           !std::isnan(position.best_valid()) && config.schedule() == TrainConfig::CONSTANT)
    display.Say("the best epoch is the last: more epochs (train.epochs) may be better");
  return absl::OkStatus();
}

}  // namespace quadhop
