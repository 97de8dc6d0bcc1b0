#include "partition/synth/synth_model.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/base/casts.h"
#include "core/base/rng.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr double kTail = 1.5;    // the power law's exponent - 1
constexpr double kInside = 0.7;  // share of edges within a class
// The most draws per edge wanted: beyond that, classes of too few nodes would take the rest of the
// graph far from its plan.
constexpr double kMaxDraws = 1.5;
constexpr int64_t kEdgesABlock = 1 << 16;

// What a stream of RandomPurpose::kSynthetic is for (its `major`).
enum Stage : uint64_t { kOrder, kClasses, kEdges, kMeans, kFeatures, kEstimate };

double LargestDegree(int64_t num_nodes) {
  const double n = static_cast<double>(num_nodes);
  return std::min(10 * std::sqrt(n), n - 1);
}

absl::Status CheckOptions(const SynthOptions& o) {
  const auto error = [](absl::string_view what) { return absl::InvalidArgumentError(what); };
  if (o.nodes < 2 || o.nodes > int64_t{UINT32_MAX})
    return error(absl::StrCat("--nodes is ", o.nodes, "; allowed: 2 to ", UINT32_MAX));
  if (!(o.degree > 0) || o.degree > LargestDegree(o.nodes) / 2)
    return error(absl::StrCat("--degree is ", o.degree, "; allowed for ", o.nodes,
                              " nodes: above 0, up to ", LargestDegree(o.nodes) / 2,
                              " (half of the largest degree, 10 sqrt(nodes))"));
  if (o.features < 0 || o.features > INT32_MAX)
    return error(absl::StrCat("--features is ", o.features, "; allowed: 0 to ", INT32_MAX));
  if (o.classes < 1 || o.classes > std::min<int64_t>(o.nodes, INT32_MAX))
    return error(
        absl::StrCat("--classes is ", o.classes, "; allowed: 1 to the number of nodes, ", o.nodes));
  return absl::OkStatus();
}

// The least weight for which the power law between it and `largest` has this mean.
double LeastWeight(double mean, double largest) {
  double low = 1e-9 * mean, high = mean;
  for (int i = 0; i < 200; ++i) {
    const double least = (low + high) / 2;
    const double ratio = least / largest;
    const double mean_of_least = kTail / (kTail - 1) * least * (1 - std::pow(ratio, kTail - 1)) /
                                 (1 - std::pow(ratio, kTail));
    (mean_of_least < mean ? low : high) = least;
  }
  return low;
}

}  // namespace

absl::StatusOr<SynthModel> SynthModel::Make(const SynthOptions& options) {
  QH_RETURN_IF_ERROR(CheckOptions(options));
  SynthModel model(options);
  model.MakeWeights();
  model.MakeClasses();
  model.MakeMeans();
  QH_RETURN_IF_ERROR(model.CountDraws());
  return model;
}

// Quantiles instead of draws: the largest degree is then what it should be. Shuffled, so that ids
// tell nothing.
void SynthModel::MakeWeights() {
  const double largest = LargestDegree(options_.nodes);
  const double least = LeastWeight(options_.degree, largest);
  const double spread = 1 - std::pow(least / largest, kTail);
  weights_.resize(AsSize(options_.nodes));
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double quantile = (static_cast<double>(i) + 0.5) / static_cast<double>(options_.nodes);
    weights_[i] = least * std::pow(1 - quantile * spread, -1 / kTail);
  }
  RandomStream random(options_.seed, RandomPurpose::kSynthetic, kOrder, 0);
  for (size_t i = weights_.size(); i > 1; --i)
    std::swap(weights_[i - 1], weights_[random.Below(i)]);
}

void SynthModel::MakeClasses() {
  const size_t num_classes = AsSize(options_.classes);
  class_of_.resize(weights_.size());
  class_begin_.assign(num_classes + 1, 0);
  class_weight_.assign(num_classes, 0);
  RandomStream random(options_.seed, RandomPurpose::kSynthetic, kClasses, 0);
  for (size_t v = 0; v < class_of_.size(); ++v) {
    const uint64_t c = random.Below(num_classes);
    class_of_[v] = static_cast<int32_t>(c);
    class_weight_[c] += weights_[v];
    ++class_begin_[c + 1];
  }
  total_weight_ = std::accumulate(class_weight_.begin(), class_weight_.end(), 0.0);
  std::partial_sum(class_begin_.begin(), class_begin_.end(), class_begin_.begin());
  members_.resize(class_of_.size());
  std::vector<int64_t> next(class_begin_.begin(), class_begin_.end() - 1);
  for (size_t v = 0; v < class_of_.size(); ++v)
    members_[AsSize(next[AsSize(class_of_[v])]++)] = static_cast<uint32_t>(v);

  class_table_ = AliasTable(class_weight_);
  member_tables_.resize(num_classes);
  for (size_t c = 0; c < num_classes; ++c) {
    std::vector<double> member_weights;
    for (int64_t i = class_begin_[c]; i < class_begin_[c + 1]; ++i)
      member_weights.push_back(weights_[members_[AsSize(i)]]);
    if (!member_weights.empty()) member_tables_[c] = AliasTable(member_weights);
    single_class_ |= member_weights.size() == weights_.size();
  }
}

void SynthModel::MakeMeans() {
  const size_t width = AsSize(options_.features);
  means_.resize(AsSize(options_.classes) * width);
  std::vector<double> mean(width);
  for (int64_t c = 0; c < options_.classes; ++c) {
    RandomStream random(options_.seed, RandomPurpose::kSynthetic, kMeans, static_cast<uint64_t>(c));
    double squares = 0;
    for (double& value : mean) {
      value = random.Normal();
      squares += value * value;
    }
    for (size_t i = 0; i < width; ++i)
      means_[AsSize(c) * width + i] = static_cast<float>(mean[i] / std::sqrt(squares));
  }
}

Arc SynthModel::DrawEdge(RandomStream& random) const {
  const auto member = [&](int64_t c) {
    return int64_t{
        members_[AsSize(class_begin_[AsSize(c)] + member_tables_[AsSize(c)].Draw(random))]};
  };
  const int64_t source_class = class_table_.Draw(random);
  const int64_t source = member(source_class);
  int64_t target_class = source_class;
  if (!single_class_ && random.Uniform() >= kInside)
    while (target_class == source_class) target_class = class_table_.Draw(random);
  return {source, member(target_class)};
}

// The probability of being the next edge drawn, in either direction; 0 for a self-loop, which is
// lost.
double SynthModel::ProbabilityOf(const Arc& edge) const {
  if (edge.source == edge.target) return 0;
  const double product =
      weights_[AsSize(edge.source)] * weights_[AsSize(edge.target)] / total_weight_;
  const double a = class_weight_[AsSize(class_of_[AsSize(edge.source)])];
  const double b = class_weight_[AsSize(class_of_[AsSize(edge.target)])];
  if (class_of_[AsSize(edge.source)] == class_of_[AsSize(edge.target)])
    return 2 * (single_class_ ? 1 : kInside) * product / a;
  return (1 - kInside) * product * (1 / (total_weight_ - a) + 1 / (total_weight_ - b));
}

// m draws make sum over pairs of 1 - exp(-m p) distinct edges (Poisson): m times the mean of (1 -
// exp(-m p)) / (m p) over edges drawn with their probabilities p, which a sample of them estimates.
absl::Status SynthModel::CountDraws() {
  const double wanted = options_.degree * static_cast<double>(options_.nodes) / 2;
  RandomStream random(options_.seed, RandomPurpose::kSynthetic, kEstimate, 0);
  std::vector<double> probabilities(200'000);
  for (double& p : probabilities) p = ProbabilityOf(DrawEdge(random));
  const auto distinct = [&](double draws) {
    double sum = 0;
    for (const double p : probabilities)
      if (p > 0) sum += -std::expm1(-draws * p) / p;
    return sum / static_cast<double>(probabilities.size());
  };
  double low = 0, high = kMaxDraws * wanted + 16;
  if (distinct(high) < wanted)
    return absl::InvalidArgumentError(absl::StrCat(
        "--degree is ", options_.degree, ", which ", options_.nodes, " nodes in ", options_.classes,
        " classes cannot have: too many edges coincide; lower either"));
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (distinct(middle) < wanted ? low : high) = middle;
  }
  num_draws_ = std::llround(high);
  return absl::OkStatus();
}

void SynthModel::DrawEdges(GraphBuilder& graph, ThreadPool& pool) const {
  pool.ParallelFor(NumBlocks(num_draws_, kEdgesABlock), [&](int64_t block, int) {
    const auto [begin, end] = Block(block, num_draws_, kEdgesABlock);
    RandomStream random(options_.seed, RandomPurpose::kSynthetic, kEdges,
                        static_cast<uint64_t>(block));
    std::vector<Arc> arcs(AsSize(end - begin));
    for (Arc& arc : arcs) arc = DrawEdge(random);
    (void)graph.Add(arcs);  // Build says what went wrong
  });
}

void SynthModel::FillFeatures(int64_t node, float* row) const {
  RandomStream random(options_.seed, RandomPurpose::kSynthetic, kFeatures,
                      static_cast<uint64_t>(node));
  const float* const mean = means_.data() + class_of_[AsSize(node)] * options_.features;
  for (int64_t i = 0; i < options_.features; ++i)
    row[i] = mean[i] + static_cast<float>(random.Normal());
}

}  // namespace quadhop
