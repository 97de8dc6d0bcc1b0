#include "sampler/batches/batch_loader.h"

#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sampler/batches/schedule.h"
#include "tests/sampler/loader_testing.h"
#include "tests/sampler/small_graph.h"
#include "tests/support/counting_resource.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

TEST(BatchLoader, HoldsWhatAPlainComputationGives) {
  const Fixture f;
  constexpr int64_t kEpoch = 3, kSampled = 6;
  const LoaderOptions options = Options(kSampled);
  const auto batches = RunPasses(f.Inputs(), options, {Train(kEpoch, 16)});
  std::vector<int64_t> counts;
  std::vector<std::vector<GlobalId>> orders;
  for (size_t p = 0; p < 5; ++p) {
    orders.push_back(f.Visited(p, SplitPart::kTrain));
    counts.push_back(static_cast<int64_t>(orders[p].size()));
    SortByEpochOrder(8, kEpoch, PartitionId(static_cast<int32_t>(p)), 1, orders[p]);
  }
  ASSERT_OK_AND_ASSIGN(const auto schedule, BatchSchedule::Create(counts, 16, 2));
  ASSERT_EQ(static_cast<int64_t>(batches.size()), schedule.num_steps());
  const TwoHopSampler sampler(f.graph.topology64(), options.sampler);
  TwoHopSampler::Scratch scratch;
  for (int64_t t = 0; t < schedule.num_steps(); ++t) {
    const Contents& batch = batches[static_cast<size_t>(t)];
    EXPECT_EQ(batch.epoch, kEpoch);
    EXPECT_EQ(batch.step, 2 * schedule.num_steps() + t);
    EXPECT_EQ(batch.global_nodes, static_cast<int64_t>(batch.nodes.size()));
    std::vector<GlobalId> nodes, unique;
    std::vector<int64_t> slice_offsets = {0};
    for (int32_t p = 0; p < 5; ++p) {
      const BlockRange slice = schedule.Slice(PartitionId(p), t);
      for (int64_t i = slice.begin; i < slice.end; ++i)
        nodes.push_back(orders[static_cast<size_t>(p)][static_cast<size_t>(i)]);
      slice_offsets.push_back(static_cast<int64_t>(nodes.size()));
    }
    EXPECT_EQ(batch.nodes, nodes);
    EXPECT_EQ(batch.slice_offsets, slice_offsets);
    ASSERT_EQ(batch.sampled.size(), nodes.size() * kSampled);
    for (size_t b = 0; b < nodes.size(); ++b) {
      std::vector<GlobalId> sample(kSampled);
      sampler.Sample(kEpoch, nodes[b], absl::MakeSpan(sample), scratch);
      for (size_t k = 0; k < kSampled; ++k) {
        const auto found = std::find(unique.begin(), unique.end(), sample[k]);
        EXPECT_EQ(batch.sampled[b * kSampled + k].value(), found - unique.begin());
        if (found == unique.end()) unique.push_back(sample[k]);
      }
      EXPECT_EQ(batch.own[b], batch.sampled[b * kSampled]);
      EXPECT_EQ(batch.labels[b], nodes[b].value() % 5);
      EXPECT_EQ(batch.pos_enc[b * 2 + 1], static_cast<float>(-10 * nodes[b].value() - 1));
    }
    ASSERT_EQ(batch.features.size(), unique.size() * kHopsAndSelf * kWidth);
    for (size_t i = 0; i < batch.features.size(); ++i)
      ASSERT_EQ(batch.features[i],
                static_cast<float>(1000 * unique[i / 12].value() + static_cast<int64_t>(i % 12)));
  }
}

// Of each node of the batch: its sample, as it was drawn, sorted.
std::vector<std::vector<int32_t>> Samples(const Contents& batch) {
  std::vector<std::vector<int32_t>> samples(batch.nodes.size());
  for (size_t b = 0; b < samples.size(); ++b) {
    for (auto i = static_cast<size_t>(batch.sampled_offsets[b]);
         i < static_cast<size_t>(batch.sampled_offsets[b + 1]); ++i)
      samples[b].insert(samples[b].end(), static_cast<size_t>(batch.multiplicity[i]),
                        batch.sampled[i].value());
    std::sort(samples[b].begin(), samples[b].end());
  }
  return samples;
}

TEST(BatchLoader, MergesRepeatedSamplesInEvaluationAndWhereAskedForInTraining) {
  const Fixture f;
  constexpr int32_t kSampled = 60;  // of pools that are smaller
  LoaderOptions options = Options(kSampled);
  const std::vector<Pass> passes = {Train(1, 16), Evaluate({SplitPart::kValid}, 16)};
  const auto drawn = RunPasses(f.Inputs(), options, passes);
  options.multiplicities = true;
  const auto merged = RunPasses(f.Inputs(), options, passes);
  ASSERT_EQ(merged.size(), drawn.size());
  for (size_t i = 0; i < drawn.size(); ++i) {
    EXPECT_LT(merged[i].sampled.size(), merged[i].nodes.size() * kSampled);
    EXPECT_EQ(Samples(merged[i]), Samples(drawn[i]));
    EXPECT_EQ(merged[i].features, drawn[i].features);
    if (drawn[i].step < 0)
      EXPECT_TRUE(merged[i] == drawn[i]);
    else
      EXPECT_EQ(drawn[i].sampled.size(), drawn[i].nodes.size() * kSampled);
  }
}

TEST(BatchLoader, IsTheSameForAnyPrefetchDepthAndNumberOfThreads) {
  const Fixture f;
  const std::vector<Pass> passes = {Train(1, 16), Evaluate({SplitPart::kValid}, 32), Train(2, 16)};
  const auto expected = RunPasses(f.Inputs(), Options(6, 0, 1), passes);
  EXPECT_GT(expected.size(), 8u);
  for (int32_t prefetch_steps : {0, 1, 2, 7, 64})
    for (int32_t num_threads : {1, 2, 4})
      EXPECT_TRUE(RunPasses(f.Inputs(), Options(6, prefetch_steps, num_threads), passes) ==
                  expected)
          << prefetch_steps << " steps ahead, " << num_threads << " threads";
}

// The node behind each sampled row, found by its first feature.
std::vector<int64_t> SampledNodes(const Contents& batch) {
  std::vector<int64_t> nodes;
  for (LocalRow row : batch.sampled)
    nodes.push_back(
        static_cast<int64_t>(batch.features[static_cast<size_t>(row.value()) * 12] / 1000));
  return nodes;
}

TEST(BatchLoader, IsTheSameOverRanksForAnyNumberOfRanks) {
  const Fixture f;
  const std::vector<Pass> passes = {Train(4, 16), Evaluate({SplitPart::kTest}, 32)};
  const auto whole = RunPasses(f.Inputs(), Options(6), passes);
  for (const std::vector<int32_t>& first :
       std::vector<std::vector<int32_t>>{{0, 2, 5}, {0, 1, 2, 3, 4, 5}, {0, 2, 3, 5}}) {
    std::vector<std::vector<Contents>> of_rank;
    for (size_t r = 0; r + 1 < first.size(); ++r) {
      of_rank.push_back(RunPasses(f.Inputs(first[r], first[r + 1]), Options(6), passes));
      ASSERT_EQ(of_rank[r].size(), whole.size()) << "a rank has another number of steps";
    }
    for (size_t t = 0; t < whole.size(); ++t) {
      std::vector<GlobalId> nodes;
      std::vector<int64_t> sampled;
      std::vector<int32_t> labels;
      for (const auto& batches : of_rank) {
        const Contents& part = batches[t];
        EXPECT_EQ(part.step, whole[t].step);
        EXPECT_EQ(part.global_nodes, whole[t].global_nodes);
        nodes.insert(nodes.end(), part.nodes.begin(), part.nodes.end());
        labels.insert(labels.end(), part.labels.begin(), part.labels.end());
        const std::vector<int64_t> more = SampledNodes(part);
        sampled.insert(sampled.end(), more.begin(), more.end());
      }
      EXPECT_EQ(nodes, whole[t].nodes);
      EXPECT_EQ(labels, whole[t].labels);
      EXPECT_EQ(sampled, SampledNodes(whole[t]));
    }
  }
}

TEST(BatchLoader, TrainsOnLabelledTrainingNodesOfEachEpochInAnotherOrder) {
  const Fixture f;
  std::vector<GlobalId> expected;
  for (size_t p = 0; p < 5; ++p)
    for (GlobalId node : f.Visited(p, SplitPart::kTrain)) expected.push_back(node);
  std::vector<GlobalId> first;
  for (int64_t epoch : {1, 2}) {
    std::vector<GlobalId> visited;
    for (const Contents& batch : RunPasses(f.Inputs(), Options(3), {Train(epoch, 16)}))
      visited.insert(visited.end(), batch.nodes.begin(), batch.nodes.end());
    EXPECT_THAT(visited, UnorderedElementsAreArray(expected));
    EXPECT_NE(visited, first);
    first = visited;
  }
}

TEST(BatchLoader, EvaluatesLabelledNodesOfThePartsAskedFor) {
  const Fixture f;
  std::vector<GlobalId> expected, visited;
  for (size_t p = 0; p < 5; ++p)
    for (SplitPart part : {SplitPart::kValid, SplitPart::kTest})
      for (GlobalId node : f.Visited(p, part)) expected.push_back(node);
  for (const Contents& batch :
       RunPasses(f.Inputs(), Options(3), {Evaluate({SplitPart::kTest, SplitPart::kValid}, 20)})) {
    EXPECT_EQ(batch.epoch, 0);
    EXPECT_EQ(batch.step, -1);
    visited.insert(visited.end(), batch.nodes.begin(), batch.nodes.end());
  }
  EXPECT_THAT(visited, UnorderedElementsAreArray(expected));
}

TEST(BatchLoader, DrawsSeveralSamplesOfANodeInConsecutiveSteps) {
  const Fixture f;
  constexpr int64_t kSampled = 6, kSamples = 3;
  Pass pass = Evaluate({SplitPart::kValid}, 32);
  const auto once = RunPasses(f.Inputs(), Options(kSampled), {pass});
  pass.samples = kSamples;
  for (const auto resample :
       {SamplerOptions::Resample::kEveryEpoch, SamplerOptions::Resample::kOnce}) {
    LoaderOptions options = Options(kSampled);
    options.sampler.resample = resample;
    const auto batches = RunPasses(f.Inputs(), options, {pass});
    const TwoHopSampler sampler(f.graph.topology64(), Options(kSampled).sampler);
    TwoHopSampler::Scratch scratch;
    ASSERT_EQ(batches.size(), once.size() * kSamples);
    for (size_t t = 0; t < batches.size(); ++t) {
      const Contents& batch = batches[t];
      EXPECT_EQ(batch.nodes, once[t / kSamples].nodes);
      EXPECT_EQ(batch.global_nodes, once[t / kSamples].global_nodes);
      EXPECT_EQ(batch.step, -1);
      EXPECT_EQ(batch == once[t / kSamples], t % kSamples == 0);
      std::vector<int64_t> expected;  // each node's, without repeats
      for (const GlobalId node : batch.nodes) {
        std::vector<GlobalId> sample(kSampled);
        sampler.Sample(-static_cast<int64_t>(t % kSamples), node, absl::MakeSpan(sample), scratch);
        for (auto v = sample.begin(); v != sample.end(); ++v)
          if (std::find(sample.begin(), v, *v) == v) expected.push_back(v->value());
      }
      EXPECT_EQ(SampledNodes(batch), expected);
    }
  }
}

TEST(BatchLoader, VisitsAllNodesLabelledOrNot) {
  const Fixture f;
  Pass all;
  all.kind = Pass::Kind::kAllNodes;
  all.batch = kNodes;
  const auto batches = RunPasses(f.Inputs(), Options(3), {all});
  ASSERT_EQ(batches.size(), 1u);
  for (int64_t v = 0; v < kNodes; ++v) {
    EXPECT_EQ(batches[0].nodes[static_cast<size_t>(v)], GlobalId(v));
    EXPECT_EQ(batches[0].labels[static_cast<size_t>(v)], f.labels[static_cast<size_t>(v)]);
  }
}

TEST(BatchLoader, VisitsChosenNodesOfAnyPartition) {
  const Fixture f;
  Pass chosen;
  chosen.kind = Pass::Kind::kChosen;
  chosen.nodes = {GlobalId(0), GlobalId(kNodes / 2), GlobalId(kNodes - 1)};
  std::vector<GlobalId> visited;
  for (const Contents& batch : RunPasses(f.Inputs(), Options(3), {chosen}))
    visited.insert(visited.end(), batch.nodes.begin(), batch.nodes.end());
  EXPECT_EQ(visited, chosen.nodes);
}

TEST(BatchLoader, MakesNoSamplesForAModelWithoutLocalAttention) {
  const Fixture f;
  LoaderInputs inputs = f.Inputs();
  inputs.topology = {};
  inputs.pos_enc = {};
  for (const Contents& batch : RunPasses(inputs, Options(0), {Train(1, 16)})) {
    EXPECT_TRUE(batch.sampled.empty());
    EXPECT_TRUE(batch.pos_enc.empty());
    ASSERT_EQ(batch.features.size(), batch.nodes.size() * 12);
    for (size_t b = 0; b < batch.nodes.size(); ++b) {
      EXPECT_EQ(batch.own[b], LocalRow(static_cast<int32_t>(b)));
      EXPECT_EQ(batch.features[b * 12], static_cast<float>(1000 * batch.nodes[b].value()));
    }
  }
}

TEST(BatchLoader, CopiesMultiLabelRowsAndSkipsThoseWithoutAny) {
  const Fixture f;
  std::vector<uint8_t> targets;  // [N, 3]
  for (int64_t v = 0; v < kNodes; ++v)
    for (int64_t j = 0; j < 3; ++j)
      targets.push_back(v % 7 == 3 ? kUnlabelledMulti : static_cast<uint8_t>((v >> j) & 1));
  LoaderInputs inputs = f.Inputs();
  inputs.labels = {};
  inputs.multi_labels = TensorView<const uint8_t>(targets.data(), {kNodes, 3});
  ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(inputs, Options(3)));
  ASSERT_OK(loader->Start(Train(1, 1000)));
  ASSERT_OK_AND_ASSIGN(const Batch* batch, loader->Next());
  ASSERT_NE(batch, nullptr);
  EXPECT_TRUE(batch->labels.empty());
  for (int64_t b = 0; b < batch->num_nodes(); ++b) {
    const int64_t v = batch->nodes[static_cast<size_t>(b)].value();
    EXPECT_NE(v % 7, 3);
    for (int64_t j = 0; j < 3; ++j) EXPECT_EQ(batch->multi_labels[b * 3 + j], (v >> j) & 1);
  }
}

TEST(BatchLoader, ResumesWithinAPass) {
  const Fixture f;
  Pass rest = Train(2, 16);
  rest.first_step = 3;
  const auto whole = RunPasses(f.Inputs(), Options(6), {Train(2, 16)});
  const auto part = RunPasses(f.Inputs(), Options(6), {rest});
  ASSERT_EQ(part.size() + 3, whole.size());
  for (size_t t = 0; t < part.size(); ++t) EXPECT_TRUE(part[t] == whole[t + 3]);
}

TEST(BatchLoader, CanBeDestroyedOrStartedAnewAtAnyPoint) {
  const Fixture f;
  const auto expected = RunPasses(f.Inputs(), Options(6, 0), {Train(2, 4)});
  for (int32_t prefetch_steps : {0, 1, 3})
    for (int taken = 0; taken < 4; ++taken) {
      ASSERT_OK_AND_ASSIGN(const auto loader,
                           BatchLoader::Create(f.Inputs(), Options(6, prefetch_steps)));
      for (int64_t epoch : {1, 2}) {
        ASSERT_OK(loader->Start(Train(epoch, 4)));
        ASSERT_GT(loader->num_steps(), 7);  // the producer comes to wait for a free slot
        for (int i = 0; i < taken; ++i) {
          ASSERT_OK_AND_ASSIGN(const Batch* batch, loader->Next());
          ASSERT_NE(batch, nullptr);
          if (epoch == 2) {
            EXPECT_TRUE(Contents(*batch) == expected[static_cast<size_t>(i)]);
          }
        }
      }
    }
}

TEST(BatchLoader, MakesBatchesInTheMemoryOfItsInputsAndSoonTakesNoMore) {
  const Fixture f;
  CountingResource memory;
  LoaderInputs inputs = f.Inputs();
  inputs.batch_memory = &memory;
  {
    ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(inputs, Options(6, 0)));
    int64_t num_given = 0;
    for (const int64_t epoch : {1, 1}) {
      num_given = memory.num_given();
      ASSERT_OK(loader->Start(Train(epoch, 16)));
      while (true) {
        ASSERT_OK_AND_ASSIGN(const Batch* batch, loader->Next());
        if (batch == nullptr) break;
        for (const void* data : {static_cast<const void*>(batch->slice_offsets.data()),
                                 static_cast<const void*>(batch->nodes.data()),
                                 static_cast<const void*>(batch->sampled_offsets.data()),
                                 static_cast<const void*>(batch->sampled.data()),
                                 static_cast<const void*>(batch->multiplicity.data()),
                                 static_cast<const void*>(batch->features.data()),
                                 static_cast<const void*>(batch->own.data()),
                                 static_cast<const void*>(batch->pos_enc.data()),
                                 static_cast<const void*>(batch->labels.data())})
          EXPECT_TRUE(memory.Holds(data));
      }
    }
    EXPECT_EQ(memory.num_given(), num_given);
  }
  EXPECT_EQ(memory.num_held(), 0);
}

TEST(BatchLoader, KeepsABatchUntilTheNextIsAskedFor) {
  const Fixture f;
  ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(f.Inputs(), Options(6, 1)));
  const auto expected = RunPasses(f.Inputs(), Options(6, 0), {Train(1, 4)});
  ASSERT_OK(loader->Start(Train(1, 4)));
  for (const Contents& contents : expected) {
    ASSERT_OK_AND_ASSIGN(const Batch* batch, loader->Next());
    absl::SleepFor(absl::Milliseconds(5));  // time for the producer to run ahead
    EXPECT_TRUE(Contents(*batch) == contents);
  }
  EXPECT_GE(loader->stats().exposed_wait_seconds(), 0);
}

class FailingSource : public FeatureSource {
 public:
  int64_t hops_and_self() const override { return kHopsAndSelf; }
  int64_t width() const override { return kWidth; }

 private:
  absl::Status DoGather(absl::Span<const GlobalId>, TensorView<float>, ThreadPool&) override {
    return ++calls_ > 2 ? absl::AbortedError("rank 1 is gone") : absl::OkStatus();
  }
  int calls_ = 0;
};

TEST(BatchLoader, HandsOnAnErrorOfTheFeatureSource) {
  const Fixture f;
  for (int32_t prefetch_steps : {0, 2}) {
    FailingSource source;
    LoaderInputs inputs = f.Inputs();
    inputs.features = &source;
    ASSERT_OK_AND_ASSIGN(const auto loader,
                         BatchLoader::Create(inputs, Options(6, prefetch_steps)));
    ASSERT_OK(loader->Start(Train(1, 16)));
    EXPECT_OK(loader->Next());
    EXPECT_OK(loader->Next());
    for (int i = 0; i < 2; ++i)
      EXPECT_THAT(loader->Next().status(),
                  StatusIs(absl::StatusCode::kAborted, HasSubstr("rank 1 is gone")));
  }
}

// Makes a second batch only once it may.
class HeldSource : public FeatureSource {
 public:
  int64_t hops_and_self() const override { return kHopsAndSelf; }
  int64_t width() const override { return kWidth; }
  int calls() const { return calls_; }
  void Release() { released_.Notify(); }

 private:
  absl::Status DoGather(absl::Span<const GlobalId>, TensorView<float>, ThreadPool&) override {
    if (++calls_ == 2) released_.WaitForNotification();
    return absl::OkStatus();
  }
  std::atomic<int> calls_ = 0;
  absl::Notification released_;
};

TEST(BatchLoader, ThatIsEndedWhileItMakesABatchMakesNoFurtherOne) {
  const Fixture f;
  HeldSource source;
  LoaderInputs inputs = f.Inputs();
  inputs.features = &source;
  ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(inputs, Options(6, 64)));
  ASSERT_OK(loader->Start(Train(1, 16)));
  ASSERT_OK(loader->Next());
  while (source.calls() < 2) absl::SleepFor(absl::Milliseconds(1));
  loader->EndBefore(1);
  source.Release();
  absl::SleepFor(absl::Milliseconds(50));  // time for it to go on, beyond the last step
  EXPECT_EQ(source.calls(), 2);
  EXPECT_THAT(loader->Next(), IsOkAndHolds(nullptr));
}

TEST(BatchLoader, RefusesInputsThatDoNotFit) {
  const Fixture f;
  LoaderInputs inputs = f.Inputs();
  inputs.labels = inputs.labels.subspan(1);
  EXPECT_THAT(BatchLoader::Create(inputs, Options(6)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("labels has 239 rows")));
  EXPECT_THAT(BatchLoader::Create(f.Inputs(2, 6), Options(6)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[2, 6)")));
  inputs = f.Inputs();
  inputs.labels = {};
  ASSERT_OK_AND_ASSIGN(const auto loader, BatchLoader::Create(inputs, Options(6)));
  EXPECT_THAT(loader->Start(Train(1, 16)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no labelled training node")));
  Pass pass = Train(1, 16);
  pass.samples = 2;
  inputs.labels = f.labels;
  ASSERT_OK_AND_ASSIGN(const auto labelled, BatchLoader::Create(inputs, Options(6)));
  EXPECT_THAT(labelled->Start(pass),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("samples is 2")));
}

TEST(BatchLoader, ReadsAStore) {
  const TempDir dir;
  TinyStoreOptions tiny;
  tiny.graph_nodes = 40;
  tiny.partitions = 4;
  ASSERT_OK(WriteTinyStore(dir.path() + "/s.qh", tiny));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(dir.path() + "/s.qh"));
  ASSERT_OK_AND_ASSIGN(const FeatureTable table, store->features());
  const auto features = MakeMappedFeatureSource(table);
  const PartitionOwners owners = {{0, 1, 4}};
  ThreadPool pool(1);
  ASSERT_OK_AND_ASSIGN(LoaderInputs inputs, TargetsFromStore(*store, "", pool));
  ASSERT_OK(AddGraph(*store, true, owners, Rank(1), inputs));
  inputs.features = features.get();
  int64_t visited = 0;
  for (const Contents& batch : RunPasses(inputs, Options(4), {Train(1, 8)})) {
    for (size_t b = 0; b < batch.nodes.size(); ++b, ++visited) {
      const int64_t v = batch.nodes[b].value();
      EXPECT_GE(v, 10);
      EXPECT_EQ(TinySplit(v, 1), static_cast<uint8_t>(SplitPart::kTrain));
      EXPECT_EQ(batch.labels[b], TinyLabel(tiny, v));
      EXPECT_EQ(batch.pos_enc[2 * b], TinyPosEnc(v, 0));
      EXPECT_EQ(batch.features[static_cast<size_t>(batch.own[b].value()) * 12 + 5],
                TinyFeature(v, 1, 1));
    }
  }
  EXPECT_EQ(visited, 18);
}

}  // namespace
}  // namespace quadhop
