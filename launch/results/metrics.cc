#include "launch/results/metrics.h"

#include <absl/numeric/int128.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/store/store.h"

namespace quadhop {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kLossUnits = 1 << 20;  // in a nat
constexpr double kLossLimit = 1 << 16;  // nats

// NaN without positives on either side.
double F1(int64_t true_positives, int64_t false_positives, int64_t false_negatives) {
  const int64_t positives = 2 * true_positives + false_positives + false_negatives;
  return 2 * static_cast<double>(true_positives) / static_cast<double>(positives);
}

double OrZero(double figure) { return std::isnan(figure) ? 0 : figure; }

}  // namespace

int32_t LargestColumn(absl::Span<const float> scores) {
  if (std::any_of(scores.begin(), scores.end(), [](float score) { return std::isnan(score); }))
    return kUnlabelled;
  return static_cast<int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

void AccuracyCounts::Add(TensorView<const float> scores, absl::Span<const int32_t> labels) {
  QH_CHECK_EQ(scores.dim(0), static_cast<int64_t>(labels.size()));
  for (int64_t b = 0; b < scores.dim(0); ++b) {
    const int32_t label = labels[static_cast<size_t>(b)];
    if (label == kUnlabelled) continue;
    AddClass(LargestColumn({scores.row(b), static_cast<size_t>(scores.dim(1))}), label);
  }
}

void AccuracyCounts::AddClass(int32_t predicted, int32_t label) {
  ++total;
  right += predicted == label;
}

double AccuracyCounts::Accuracy() const {
  return total == 0 ? kNone : static_cast<double>(right) / static_cast<double>(total);
}

F1Counts::F1Counts(int32_t num_columns)
    : num_columns_(num_columns), counts_(3 * static_cast<size_t>(num_columns)) {}

void F1Counts::Add(TensorView<const float> logits, TensorView<const uint8_t> labels) {
  QH_CHECK(logits.HasDims({labels.dim(0), num_columns_}) && labels.dim(1) == num_columns_);
  int64_t* const true_positives = counts_.data();
  int64_t* const false_positives = true_positives + num_columns_;
  int64_t* const false_negatives = false_positives + num_columns_;
  for (int64_t b = 0; b < logits.dim(0); ++b) {
    for (int64_t column = 0; column < num_columns_; ++column) {
      const uint8_t label = labels.row(b)[column];
      if (label == kUnlabelledMulti) continue;
      const bool predicted = logits.row(b)[column] > 0;
      true_positives[column] += predicted && label == 1;
      false_positives[column] += predicted && label == 0;
      false_negatives[column] += !predicted && label == 1;
    }
  }
}

void F1Counts::AddClass(int32_t predicted, int32_t label) {
  const auto column = static_cast<size_t>(label);
  const auto num_columns = static_cast<size_t>(num_columns_);
  if (predicted == label) {
    ++counts_[column];
    return;
  }
  if (predicted != kUnlabelled) ++counts_[num_columns + static_cast<size_t>(predicted)];
  ++counts_[2 * num_columns + column];
}

double F1Counts::Micro() const {
  const auto sum = [this](int64_t kind) {
    const auto begin = counts_.begin() + kind * num_columns_;
    return std::accumulate(begin, begin + num_columns_, int64_t{0});
  };
  return OrZero(F1(sum(0), sum(1), sum(2)));
}

double F1Counts::OfColumn(int64_t column) const {
  const int64_t* const counts = counts_.data() + column;
  return F1(counts[0], counts[num_columns_], counts[2 * num_columns_]);
}

double F1Counts::Macro() const {
  double sum = 0;
  for (int64_t column = 0; column < num_columns_; ++column) sum += OrZero(OfColumn(column));
  return sum / static_cast<double>(num_columns_);
}

double F1Counts::MacroOfPresent() const {
  double sum = 0, num_present = 0;
  for (int64_t column = 0; column < num_columns_; ++column) {
    if (std::isnan(OfColumn(column))) continue;
    sum += OfColumn(column);
    ++num_present;
  }
  return sum / num_present;
}

void LossSum::AddClass(absl::Span<const float> logits, int32_t label) {
  const float top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += double{std::exp(logit - top)};
  Add(std::log(sum) + double{top} - double{logits[static_cast<size_t>(label)]});
}

void LossSum::AddLabels(absl::Span<const float> logits, absl::Span<const uint8_t> labels) {
  double sum = 0;
  for (size_t column = 0; column < logits.size(); ++column) {
    if (labels[column] == kUnlabelledMulti) continue;
    const float logit = logits[column];
    sum += double{std::max(labels[column] == 1 ? -logit : logit, 0.0f) +
                  std::log1p(std::exp(-std::abs(logit)))};
  }
  Add(sum / static_cast<double>(logits.size()));
}

void LossSum::Add(double nats) {
  if (nats < kLossLimit)  // not if NaN
    counts_[0] += std::llround(nats * kLossUnits);
  else
    ++counts_[1];
}

double LossSum::Mean(int64_t nodes) const {
  if (nodes == 0 || counts_[1] > 0) return kNone;
  return static_cast<double>(counts_[0]) / kLossUnits / static_cast<double>(nodes);
}

std::string FigureText(double figure) {
  return std::isnan(figure) ? "-" : absl::StrFormat("%.4f", figure);
}

bool HasBothLabels(absl::Span<const ScoredLabel> scored) {
  return std::any_of(scored.begin(), scored.end(),
                     [&](const ScoredLabel& one) { return one.positive != scored[0].positive; });
}

RankingMetrics MeasureRanking(std::vector<ScoredLabel>* scored) {
  const auto all = static_cast<int64_t>(scored->size());
  const int64_t all_positives = std::count_if(
      scored->begin(), scored->end(), [](const ScoredLabel& one) { return one.positive != 0; });
  if (!HasBothLabels(*scored) ||
      std::any_of(scored->begin(), scored->end(),
                  [](const ScoredLabel& one) { return std::isnan(one.score); }))
    return {kNone, kNone};
  std::sort(scored->begin(), scored->end(),
            [](const ScoredLabel& a, const ScoredLabel& b) { return a.score < b.score; });
  // Twice the number of (positive, negative) pairs in the right order, a tie counting one.
  absl::uint128 twice_ordered = 0;
  double sum_of_precisions = 0;  // over positives
  int64_t positives = 0;         // with lower scores
  int64_t negatives = 0;
  for (size_t begin = 0; begin < scored->size();) {
    int64_t tied_positives = 0;
    int64_t tied_negatives = 0;
    size_t end = begin;
    for (; end < scored->size() && (*scored)[end].score == (*scored)[begin].score; ++end) {
      ((*scored)[end].positive != 0 ? tied_positives : tied_negatives) += 1;
    }
    twice_ordered += absl::uint128(tied_positives) * absl::uint128(2 * negatives + tied_negatives);
    sum_of_precisions += static_cast<double>(tied_positives) *
                         static_cast<double>(all_positives - positives) /
                         static_cast<double>(all - positives - negatives);
    positives += tied_positives;
    negatives += tied_negatives;
    begin = end;
  }
  return {static_cast<double>(twice_ordered) / 2 / static_cast<double>(positives) /
              static_cast<double>(negatives),
          sum_of_precisions / static_cast<double>(positives)};
}

}  // namespace quadhop
