#include "launch/results/evaluation.h"

#include <cmath>
#include <limits>
#include <optional>

#include "comm/collectives/gather.h"
#include "core/base/status.h"
#include "core/store/store.h"
#include "launch/config/config.h"

namespace quadhop {
namespace {

constexpr double kNotApplicable = std::numeric_limits<double>::quiet_NaN();

// What one rank has seen of one part.
struct PartCounts {
  PartCounts(int32_t columns, size_t score_columns) : scores(score_columns), f1(columns) {}
  AccuracyCounts accuracy;
  std::vector<std::vector<ScoredLabel>> scores;  // for two classes, or for each label
  F1Counts f1;
  LossSum loss;
  int64_t nodes = 0;
};

// Columns of scores, with one area under the curve each.
size_t NumScoreColumns(const Session& session) {
  const StoreManifest& manifest = session.store().manifest();
  if (!manifest.multi_label()) return session.ranked_class().has_value() ? 1 : 0;
  return SelectsByRocAuc(session.config()) ? static_cast<size_t>(manifest.classes()) : 0;
}

// Adds a node with several labels to the counts of its part.
void AddLabels(TensorView<const float> logits,    // [1, C]
               TensorView<const uint8_t> labels,  // [1, C]
               PartCounts& counts) {
  counts.f1.Add(logits, labels);
  const auto columns = static_cast<size_t>(labels.dim(1));
  counts.loss.AddLabels({logits.data(), columns}, {labels.data(), columns});
  for (size_t c = 0; c < counts.scores.size(); ++c)
    if (const uint8_t label = labels.data()[c]; label != kUnlabelledMulti)
      counts.scores[c].push_back({logits.data()[c], label});
}

// Adds a node of class `label`.
void AddClass(absl::Span<const float> logits, int32_t predicted, int32_t label,
              std::optional<int32_t> ranked_class, PartCounts& counts) {
  counts.accuracy.AddClass(predicted, label);
  counts.f1.AddClass(predicted, label);
  counts.loss.AddClass(logits, label);
  if (!ranked_class.has_value()) return;
  const auto ranked = static_cast<size_t>(*ranked_class);
  counts.scores[0].push_back(
      {logits[ranked] - logits[1 - ranked], label == *ranked_class ? 1u : 0u});
}

// The mean over the columns that have both labels; NaN if none has.
absl::StatusOr<RankingMetrics> MeanRanking(Communicator& comm,
                                           absl::Span<const std::vector<ScoredLabel>> columns) {
  RankingMetrics sum = {0, 0};  // on rank 0, as is num_defined
  double num_defined = 0;
  for (const std::vector<ScoredLabel>& mine : columns) {
    QH_ASSIGN_OR_RETURN(std::vector<ScoredLabel> scores,
                        GatherToRank<ScoredLabel>(comm, "scores", Rank(0), mine));
    if (!HasBothLabels(scores)) continue;
    const RankingMetrics of_column = MeasureRanking(&scores);
    sum.roc_auc += of_column.roc_auc;
    sum.average_precision += of_column.average_precision;
    ++num_defined;
  }
  const RankingMetrics mean = {sum.roc_auc / num_defined, sum.average_precision / num_defined};
  return BroadcastValue(comm, "quality of the ranking", Rank(0), mean);
}

absl::StatusOr<PartMetrics> Combine(Session& session, PartCounts& counts) {
  Communicator& comm = session.context().comm;
  const StoreManifest& manifest = session.store().manifest();
  int64_t totals[] = {counts.accuracy.right, counts.accuracy.total, counts.nodes};
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "counts of the evaluation", absl::MakeSpan(totals)));
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "counts of F1", counts.f1.counts()));
  QH_RETURN_IF_ERROR(SumOverRanks(comm, "sum of losses", counts.loss.counts()));
  PartMetrics metrics{.accuracy = kNotApplicable,
                      .micro_f1 = kNotApplicable,
                      .macro_f1 = kNotApplicable,
                      .loss = counts.loss.Mean(totals[2]),
                      .ranking = {kNotApplicable, kNotApplicable},
                      .nodes = totals[2],
                      .select_by_roc_auc = SelectsByRocAuc(session.config())};
  if (!counts.scores.empty()) {
    QH_ASSIGN_OR_RETURN(metrics.ranking, MeanRanking(comm, counts.scores));
  }
  if (manifest.multi_label()) {
    metrics.micro_f1 = counts.f1.Micro();
    metrics.macro_f1 = counts.f1.Macro();
  } else {
    metrics.accuracy = AccuracyCounts{totals[0], totals[1]}.Accuracy();
    metrics.macro_f1 = counts.f1.MacroOfPresent();
  }
  return metrics;
}

}  // namespace

double PartMetrics::selected() const {
  if (select_by_roc_auc) return ranking.roc_auc;
  return std::isnan(micro_f1) ? accuracy : micro_f1;
}

std::vector<std::pair<std::string, double>> PartMetrics::Named(SplitPart part) const {
  const std::string name = PartName(part);
  std::vector<std::pair<std::string, double>> named;
  if (std::isnan(micro_f1)) {
    named.emplace_back(name + "_accuracy", accuracy);
  } else {
    named.emplace_back(name + "_micro_f1", micro_f1);
  }
  if (!std::isnan(macro_f1)) named.emplace_back(name + "_macro_f1", macro_f1);
  if (!std::isnan(loss)) named.emplace_back(name + "_loss", loss);
  if (!std::isnan(ranking.roc_auc)) {
    named.emplace_back(name + "_roc_auc", ranking.roc_auc);
    named.emplace_back(name + "_average_precision", ranking.average_precision);
  }
  return named;
}

std::string SelectedMetric(const Session& session) {
  if (SelectsByRocAuc(session.config())) return "ROC AUC ";
  return session.store().manifest().multi_label() ? "micro F1 " : "";
}

absl::StatusOr<std::map<SplitPart, PartMetrics>> EvaluateParts(
    Session& session, std::vector<SplitPart> parts, int64_t samples,
    std::map<SplitPart, EvaluationDetail>* details, const StopQuestion& is_to_stop) {
  const int32_t columns = session.store().manifest().classes();
  std::map<SplitPart, PartCounts> counts;
  for (const SplitPart part : parts)
    counts.emplace(part, PartCounts(columns, NumScoreColumns(session)));
  const bool detailed = details != nullptr && !session.store().manifest().multi_label();
  for (size_t i = 0; detailed && i < parts.size(); ++i)
    details->insert_or_assign(parts[i], EvaluationDetail(columns));
  Pass pass;
  pass.kind = Pass::Kind::kEvaluate;
  pass.batch = session.config().train().batch();
  pass.parts = parts;
  pass.samples = samples;
  QH_RETURN_IF_ERROR(session.ForEachPrediction(
      pass, /*with_embeddings=*/false,
      [&](const Batch& batch, const Prediction& prediction) {
        const TensorView<const float> logits = prediction.logits;
        for (int64_t r = 0; r < batch.num_nodes(); ++r) {
          const auto node = static_cast<size_t>(batch.nodes[static_cast<size_t>(r)].value());
          const auto part = static_cast<SplitPart>(session.inputs().split[node]);
          ++counts.at(part).nodes;
          if (!batch.multi_labels.empty()) {
            AddLabels(logits.Rows(r, r + 1), batch.multi_labels.cview().Rows(r, r + 1),
                      counts.at(part));
            continue;
          }
          const absl::Span<const float> row(logits.row(r), static_cast<size_t>(columns));
          const int32_t predicted = LargestColumn(row),
                        label = batch.labels[static_cast<size_t>(r)];
          AddClass(row, predicted, label, session.ranked_class(), counts.at(part));
          if (detailed)
            details->at(part).Add(predicted, label,
                                  session.inputs().topology.degree(static_cast<int64_t>(node)));
        }
        return absl::OkStatus();
      },
      is_to_stop));
  std::map<SplitPart, PartMetrics> metrics;
  for (auto& [part, part_counts] : counts) {
    QH_ASSIGN_OR_RETURN(const PartMetrics combined, Combine(session, part_counts));
    metrics.emplace(part, combined);
  }
  return metrics;
}

}  // namespace quadhop
