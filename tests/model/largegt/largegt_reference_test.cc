// The production model, in float, against the reference in plain loops of double, with every
// dropout on: its masks are made here from core/base/rng.h by the rule that
// model/kernels/kernel_args.h documents.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "tests/model/arrays.h"
#include "tests/model/test_kernels.h"
#include "tests/model/toy_job.h"
#include "tests/reference/kind_name.h"
#include "tests/reference/largegt.h"
#include "tests/reference/losses.h"
#include "tests/support/norms.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using reference::Arrays;
using reference::Mode;
using reference::Values;

// DESIGN.md section 4.
constexpr double kLogitsBound = 1e-5, kGradientBound = 1e-4, kZeroGradientBound = 1e-6;
constexpr double kLossBound = 1e-4;
constexpr double kZeroGradient = 1e-12;  // of the largest: rounding noise of double

// Multipliers of one dropout for `rows` rows of n values a node, each row beginning at a multiple
// of 8 values: value i of a node is kept if its 16 bits, half i % 2 of word i % 8 / 2 of Philox
// block i / 8, reach the threshold.
Values<double> MaskOf(const LargeGTOptions& options, double probability, RandomPurpose purpose,
                      const Batch& batch, int64_t rows, int64_t n) {
  if (probability == 0) return {};
  const double threshold = std::round(probability * 65536);
  Values<double> mask;
  for (const GlobalId node : batch.nodes) {
    const uint64_t key = StreamKey(options.seed, purpose, static_cast<uint64_t>(batch.step),
                                   static_cast<uint64_t>(node.value()));
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < n; ++c) {
        const int64_t i = r * ((n + 7) / 8 * 8) + c;
        const uint32_t word =
            Philox4x32(key, static_cast<uint64_t>(i / 8))[static_cast<size_t>(i % 8 / 2)];
        const uint32_t draw = i % 2 == 0 ? word & 0xFFFFu : word >> 16;
        mask.push_back(static_cast<double>(draw) >= threshold ? 65536 / (65536 - threshold) : 0.0);
      }
    }
  }
  return mask;
}

reference::DropoutMasks<double> MasksOf(const LargeGTOptions& options, const Batch& batch) {
  const LargeGTDims& d = options.dims;
  const auto mask = [&](double probability, RandomPurpose purpose, int64_t rows, int64_t n) {
    return MaskOf(options, probability, purpose, batch, rows, n);
  };
  reference::DropoutMasks<double> masks;
  masks.input = mask(options.ff_dropout, RandomPurpose::kInputDropout, 1, d.width);
  masks.tokens = mask(options.ff_dropout, RandomPurpose::kTokenDropout, d.sequence(), d.width);
  masks.attention_out =
      mask(options.local_dropout, RandomPurpose::kAttentionOutDropout, d.sequence(), d.wide());
  masks.residual =
      mask(options.local_dropout, RandomPurpose::kResidualDropout, d.sequence(), d.wide());
  masks.global_attention =
      mask(options.attention_dropout, RandomPurpose::kGlobalAttentionDropout, d.heads, d.centroids);
  masks.first_feed_forward =
      mask(options.ff_dropout, RandomPurpose::kFirstFeedForwardDropout, 1, d.wide());
  masks.second_feed_forward =
      mask(options.ff_dropout, RandomPurpose::kSecondFeedForwardDropout, 1, d.width);
  return masks;
}

reference::Inputs<double> InputsOf(const LargeGTDims& d, const Batch& batch) {
  reference::Inputs<double> in;
  in.tokens_per_node = static_cast<size_t>(d.sequence());
  for (size_t b = 0; b < batch.nodes.size(); ++b) {
    const auto begin = static_cast<size_t>(batch.sampled_offsets[b]);
    const auto end = static_cast<size_t>(batch.sampled_offsets[b + 1]);
    for (size_t i = begin; i < end; ++i) {
      for (int32_t copy = 0; copy < batch.multiplicity[i]; ++copy) {
        for (int64_t hop = 0; hop < d.hops_and_self; ++hop) {
          const float* values = batch.features.row(batch.sampled[i].value()) + hop * d.features;
          in.tokens.insert(in.tokens.end(), values, values + d.features);
          if (!d.token_marks) continue;
          std::vector<double> marks(static_cast<size_t>(2 * d.hops_and_self));
          const bool own = batch.sampled[i] == batch.own[b];
          marks[static_cast<size_t>(own ? d.hops_and_self + hop : hop)] = 1;
          in.tokens.insert(in.tokens.end(), marks.begin(), marks.end());
        }
      }
    }
  }
  for (const LocalRow row : batch.own) {
    const float* values = batch.features.row(row.value());
    in.x.insert(in.x.end(), values, values + d.features);
    in.own.insert(in.own.end(), values, values + d.own_columns());
  }
  in.pe.assign(batch.pos_enc.data(), batch.pos_enc.data() + batch.pos_enc.size());
  for (const GlobalId node : batch.nodes) in.nodes.push_back(static_cast<size_t>(node.value()));
  return in;
}

reference::LargeGT<double> ReferenceOf(LargeGT& model) {
  const LargeGTOptions& options = model.options();
  reference::ModelOptions reference_options;
  reference_options.conv = static_cast<reference::Conv>(options.conv);
  reference_options.norm = static_cast<reference::NormKind>(options.norm);
  reference_options.heads = static_cast<size_t>(options.dims.heads);
  reference_options.ema_decay = options.ema_decay;
  Arrays<double> state;
  for (const StateArray& array : model.State()) {
    reference::Array<double>& out = state[array.name];
    out.dims.assign(array.dims.begin(), array.dims.end());
    if (array.integer != nullptr) {
      out.values = {static_cast<double>(*array.integer)};
    } else {
      const std::vector<float> floats = ToHost(model.memory(), array.floats);
      out.values.assign(floats.begin(), floats.end());
    }
  }
  std::vector<size_t> codes;
  if (Codebook* book = model.codebook())
    for (const int16_t code : book->codes()) codes.push_back(static_cast<size_t>(code));
  return {reference_options, state, codes};
}
static_assert(static_cast<int>(Conv::kLocal) == static_cast<int>(reference::Conv::kLocal) &&
              static_cast<int>(Conv::kGlobal) == static_cast<int>(reference::Conv::kGlobal) &&
              static_cast<int>(Conv::kNone) == static_cast<int>(reference::Conv::kNone) &&
              static_cast<int>(NormKind::kLayer) == static_cast<int>(reference::NormKind::kLayer) &&
              static_cast<int>(NormKind::kNone) == static_cast<int>(reference::NormKind::kNone));

// Away from the initial values, whose biases are 0 and whose attention is almost uniform.
void Shake(ParameterSet& parameters) {
  for (const Parameter& p : parameters.parameters()) {
    RandomStream random(5, RandomPurpose::kTest, static_cast<uint64_t>(p.offset), 0);
    const double size = 0.7 / std::sqrt(static_cast<double>(p.dims.size() > 1 ? p.dims[1] : 4));
    Change<float>(parameters.memory(), parameters.value(p),
                  [&](float value) { return value + static_cast<float>(size * random.Normal()); });
  }
}

void ExpectGradients(ParameterSet& parameters, const Arrays<double>& expected) {
  double largest = 0;
  for (const auto& [name, gradient] : expected)
    largest = std::max(largest, LargestOf(gradient.values));
  for (const auto& [name, gradient] : expected) {
    const Values<double> difference =
        Difference(ToHost(parameters.memory(), parameters.gradient(name)), gradient.values);
    if (LargestOf(gradient.values) <= kZeroGradient * largest) {
      EXPECT_LE(LargestOf(difference), kZeroGradientBound * largest) << name;
    } else {
      EXPECT_LE(Norm(difference), kGradientBound * Norm(gradient.values)) << name;
    }
  }
  for (const Parameter& p : parameters.parameters())
    EXPECT_EQ(p.group != GradientGroup::kUnused, expected.count(p.name) == 1) << p.name;
}

struct Job {
  LargeGTOptions options;
  std::vector<int64_t> partition_offsets;
  std::vector<int64_t> nodes;
  std::vector<float> class_weight;
  bool repeats = false;         // nodes are sampled repeatedly, and the batch node itself
  bool multiplicities = false;  // repeated samples stand in the batch once
};

Job SmallJob(Conv conv, NormKind norm, int64_t heads) {
  Job job;
  LargeGTDims& d = job.options.dims;
  d.features = 7;
  d.sampled = 3;  // S = 9: token rows of every parity of vectors
  d.pos_enc = 3;
  d.width = 13 - 2 * (heads % 2);  // h*H = 11, 26, 33
  d.heads = heads;
  d.centroids = 11;
  d.classes = 4;
  job.options.conv = conv;
  job.options.norm = norm;
  job.options.codebook_start = CodebookStart::kPaper;
  job.options.attention_dropout = heads == 2 ? 0.0 : 0.25;
  job.options.ema_decay = 0.9;
  job.options.seed = 77;
  job.partition_offsets = {0, 20, 25, 60, 70};
  // 7 nodes, none, 35 (two tiles of the local module), 2.
  job.nodes = {0, 2, 3, 7, 11, 15, 19};
  for (int64_t v = 25; v < 60; ++v) job.nodes.push_back(v);
  job.nodes.insert(job.nodes.end(), {61, 69});
  return job;
}

// Few enough nodes to sample from that most are drawn again, the batch node itself too.
void RepeatSamples(ToyGraph& graph) {
  const int64_t k = graph.dims.sampled;
  for (size_t i = 0; i < graph.sampled.size(); ++i) {
    const int64_t v = static_cast<int64_t>(i) / k, at = static_cast<int64_t>(i) % k;
    graph.sampled[i] = at == 0 || (at == 3 && v % 2 == 0) ? v : (v + at % (1 + v % 4)) % 70;
  }
}

Batch WithMultiplicities(Batch batch, int64_t k) {
  const std::pmr::vector<LocalRow> drawn = batch.sampled;
  batch.sampled.clear();
  batch.multiplicity.clear();
  batch.sampled_offsets = {0};
  for (auto at = drawn.begin(); at != drawn.end(); at += k) {
    for (auto i = at; i != at + k; ++i) {
      if (std::find(at, i, *i) != i) continue;
      batch.sampled.push_back(*i);
      batch.multiplicity.push_back(static_cast<int32_t>(std::count(i, at + k, *i)));
    }
    batch.sampled_offsets.push_back(static_cast<int64_t>(batch.sampled.size()));
  }
  return batch;
}

// Two steps without an optimiser (the codebook moves between them), and an evaluation before.
void ExpectAgreement(const Job& job, const std::string& what) {
  SCOPED_TRACE(what);
  ToyGraph graph = MakeToyGraph(job.options.dims, job.partition_offsets);
  if (job.repeats) RepeatSamples(graph);
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, job.options, *comm, {.num_threads = 2, .class_weight = job.class_weight});
  LargeGT& model = rank.model();
  Shake(model.parameters());
  // As after a start from data: centroids of size 0 would divide by 1e-5 and blow up every
  // rounding.
  if (Codebook* book = model.codebook())
    Change<float>(model.memory(), book->sizes(), [](float) { return 1.0f; });
  reference::LargeGT<double> expected = ReferenceOf(model);
  const Values<double> class_weight(job.class_weight.begin(), job.class_weight.end());

  for (int64_t step = -1; step < 2; ++step) {
    SCOPED_TRACE(step);
    Batch batch = rank.MakeBatch(step, job.nodes);
    if (job.multiplicities) batch = WithMultiplicities(std::move(batch), job.options.dims.sampled);
    const Mode mode = step < 0 ? Mode::kEvaluation : Mode::kTraining;
    const Values<double> logits = expected.Forward(
        InputsOf(job.options.dims, batch),
        step < 0 ? reference::DropoutMasks<double>() : MasksOf(job.options, batch), mode);
    if (step < 0) {
      Tensor<float> actual({batch.num_nodes(), job.options.dims.classes});
      ASSERT_OK(model.Predict(batch, actual.view()));
      EXPECT_LE(Norm(Difference(std::vector<float>(actual.data(), actual.data() + actual.size()),
                                logits)),
                kLogitsBound * Norm(logits));
      continue;
    }
    ASSERT_OK_AND_ASSIGN(const double loss, model.ComputeGradients(batch));
    const std::vector<size_t> labels(batch.labels.begin(), batch.labels.end());
    const std::vector<uint8_t> targets(batch.multi_labels.data(),
                                       batch.multi_labels.data() + batch.multi_labels.size());
    const reference::Loss<double> expected_loss =
        job.options.loss == LossKind::kBinary
            ? reference::BinaryCrossEntropy(logits, targets, class_weight)
            : reference::CrossEntropy(logits, labels, class_weight);
    EXPECT_LE(Norm(Difference(model.last_logits(), logits)),
              (step == 0 ? kLogitsBound : kLossBound) * Norm(logits));
    EXPECT_NEAR(loss, expected_loss.value, kLossBound * expected_loss.value);
    ExpectGradients(model.parameters(), expected.Backward(expected_loss.d_logits).parameters);
    if (Codebook* book = model.codebook()) {
      const std::vector<int16_t> codes = book->codes();
      EXPECT_EQ(std::vector<size_t>(codes.begin(), codes.end()), expected.codes());
    }
  }
}

class LargeGTAndReference : public testing::TestWithParam<std::tuple<Conv, NormKind, int64_t>> {};

TEST_P(LargeGTAndReference, AgreeInLogitsLossAndGradientsWithDropout) {
  const auto [conv, norm, heads] = GetParam();
  ExpectAgreement(SmallJob(conv, norm, heads), "cross entropy");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, LargeGTAndReference,
    testing::Combine(testing::Values(Conv::kFull, Conv::kLocal, Conv::kGlobal, Conv::kNone),
                     testing::Values(NormKind::kBatch, NormKind::kLayer, NormKind::kNone),
                     testing::Values(1, 2, 3)),
    KindName<LargeGTAndReference::ParamType>);

TEST(LargeGT, AgreesWithTheReferenceOnMultiLabelTargets) {
  Job job = SmallJob(Conv::kFull, NormKind::kBatch, 2);
  job.options.loss = LossKind::kBinary;
  ExpectAgreement(job, "binary");
}

TEST(LargeGT, AgreesWithTheReferenceUnderClassWeights) {
  Job job = SmallJob(Conv::kFull, NormKind::kLayer, 1);
  job.class_weight = {0.5f, 2, 0.25f, 1.5f};
  ExpectAgreement(job, "class weights");
  job.options.loss = LossKind::kBinary;
  ExpectAgreement(job, "weights of labels");
}

TEST(LargeGT, AgreesWithTheReferenceOnRowsWiderThanAnyVectorAndALongSequence) {
  Job job = SmallJob(Conv::kFull, NormKind::kBatch, 2);
  job.options.dims.width = 37;  // h*H = 74
  job.options.dims.sampled = 7;
  job.options.dims.centroids = 70;
  job.options.attention_dropout = 0.1;
  job.nodes.erase(job.nodes.begin(), job.nodes.begin() + 20);
  ExpectAgreement(job, "wide");
}

TEST(LargeGT, AgreesWithTheReferenceWhereDropoutsAreTooSmallToDropAnything) {
  Job job = SmallJob(Conv::kFull, NormKind::kLayer, 2);
  job.options.ff_dropout = job.options.local_dropout = 1e-6;
  ExpectAgreement(job, "dropouts of 1e-6");
}

TEST(LargeGT, AgreesWithTheReferenceOnTokensThatAreAlone) {
  Job job = SmallJob(Conv::kFull, NormKind::kLayer, 2);
  job.options.dims.hops_and_self = job.options.dims.sampled = 1;
  ExpectAgreement(job, "one token");
}

// A GPU's warp takes 256 columns: two and four share these rows.
TEST(LargeGT, AgreesWithTheReferenceOnRowsOfSeveralWarps) {
  for (const auto& [heads, width] : {std::pair(2, 130), std::pair(2, 258)}) {
    Job job = SmallJob(Conv::kLocal, NormKind::kLayer, heads);
    job.options.dims.width = width;
    job.options.dims.sampled = 2;
    job.nodes = {25};
    ExpectAgreement(job, absl::StrCat(heads, " heads of ", width));
  }
}

// Dropout would draw one mask for equal tokens, and the reference one for each.
TEST(LargeGT, TakesATokenOfMultiplicityMForMEqualTokens) {
  for (const int64_t sampled : {2, 6, 25}) {
    Job job = SmallJob(Conv::kFull, NormKind::kBatch, 2);
    job.options.dims.sampled = sampled;
    job.options.ff_dropout = job.options.local_dropout = 0;
    job.repeats = job.multiplicities = true;
    ExpectAgreement(job, "multiplicities");
  }
}

// A batch node that is sampled again has marks of its own on all of its tokens.
TEST(LargeGT, AgreesWithTheReferenceOnMarkedTokens) {
  for (const auto& [conv, hops_and_self] :
       {std::pair(Conv::kFull, 3), std::pair(Conv::kLocal, 1), std::pair(Conv::kLocal, 5)}) {
    Job job = SmallJob(conv, NormKind::kBatch, 2);
    job.options.dims.token_marks = true;
    job.options.dims.hops_and_self = hops_and_self;
    job.options.dims.sampled = 6;
    job.repeats = true;
    ExpectAgreement(job, absl::StrCat("marks of ", hops_and_self));
    job.multiplicities = true;
    job.options.ff_dropout = job.options.local_dropout = 0;
    ExpectAgreement(job, absl::StrCat("marks of ", hops_and_self, " with multiplicities"));
  }
}

TEST(LargeGT, AgreesWithTheReferenceWhereTheHeadTakesFeatures) {
  for (const Conv conv : {Conv::kFull, Conv::kLocal, Conv::kGlobal, Conv::kNone}) {
    Job job = SmallJob(conv, NormKind::kBatch, 2);
    job.options.dims.head_features = true;
    ExpectAgreement(job, absl::StrCat("features for the head, conv ", static_cast<int>(conv)));
  }
}

TEST(LargeGT, UnlabelledRowsHaveNoLossAndNoGradient) {
  ThreadPool pool(1);
  const std::unique_ptr<Kernels> kernels = MakeTestKernels(pool);
  Memory& memory = kernels->memory();
  const std::vector<int32_t> labels = {2, -1, 0, -1, 1};
  const std::vector<int64_t> offsets = {0, 2, 5};
  std::vector<float> logits;
  Values<double> labelled;
  for (size_t i = 0; i < 15; ++i) {
    logits.push_back(static_cast<float>(std::sin(static_cast<double>(i))));
    if (labels[i / 3] >= 0) labelled.push_back(double{logits[i]});
  }
  Array<float> logits_array(memory, {5, 3}), d_logits_array(memory, {5, 3});
  Array<int32_t> labels_array(memory, {5});
  Array<int64_t> offsets_array(memory, {3});
  Array<double> loss_array(memory, {2});
  ToArray<float>(memory, logits, logits_array.view());
  ToArray<float>(memory, std::vector<float>(15, 7.0f), d_logits_array.view());
  ToArray<int32_t>(memory, labels, labels_array.view());
  ToArray<int64_t>(memory, offsets, offsets_array.view());
  LossArgs args;
  args.slices = {offsets, offsets_array.data()};
  args.logits = logits_array.cview();
  args.labels = labels_array.cview();
  args.global_nodes = 5;
  args.d_logits = d_logits_array.view();
  args.loss = loss_array.view();
  kernels->Loss(args);
  const std::vector<float> d_logits = ToHost(memory, d_logits_array.view());
  const std::vector<double> loss = ToHost(memory, loss_array.view());
  const reference::Loss<double> expected = reference::CrossEntropy<double>(labelled, {2, 0, 1}, {});
  EXPECT_NEAR(loss[0] + loss[1], expected.value * 3 / 5, 1e-12);
  for (size_t i = 0, at = 0; i < 15; ++i) {
    const double d = labels[i / 3] < 0 ? 0 : expected.d_logits[at++] * 3 / 5;
    EXPECT_NEAR(double{d_logits[i]}, d, 1e-7);
  }
}

TEST(LargeGT, GivesTheSameLossAndGradientsHoweverABatchIsCut) {
  Job job = SmallJob(Conv::kFull, NormKind::kBatch, 2);
  double loss_of_one = 0;
  Arrays<double> gradients_of_one;
  const std::vector<std::vector<int64_t>> cuts = {{0, 70}, {0, 30, 70}, {0, 20, 25, 60, 70}};
  for (const std::vector<int64_t>& cut : cuts) {
    const ToyGraph graph = MakeToyGraph(job.options.dims, cut);
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRank rank(graph, job.options, *comm);
    ParameterSet& parameters = rank.model().parameters();
    Shake(parameters);
    ASSERT_OK_AND_ASSIGN(const double loss,
                         rank.model().ComputeGradients(rank.MakeBatch(0, job.nodes)));
    if (cut.size() == 2) loss_of_one = loss;
    EXPECT_NEAR(loss, loss_of_one, 1e-5 * loss_of_one);
    for (const Parameter& p : parameters.parameters()) {
      if (p.group == GradientGroup::kUnused) continue;
      const std::vector<float> gradient = ToHost(parameters.memory(), parameters.gradient(p.name));
      Values<double>& expected = gradients_of_one[p.name].values;
      if (cut.size() == 2) expected.assign(gradient.begin(), gradient.end());
      EXPECT_LE(Norm(Difference(gradient, expected)), 1e-5 * Norm(expected)) << p.name;
    }
  }
}

}  // namespace
}  // namespace quadhop
