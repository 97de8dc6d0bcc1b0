// Inputs of a batch loader, and copies of what it makes.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sampler/batches/batch_loader.h"
#include "tests/sampler/small_graph.h"
#include "tests/support/status_matchers.h"

namespace quadhop {

inline constexpr int64_t kNodes = 240, kHopsAndSelf = 3, kWidth = 4, kEncoding = 2;

// A random graph of 5 partitions, the third without training nodes; every seventh node has no
// label.
struct Fixture {
  Fixture() : graph(RandomGraph(kNodes, 0.03, 1, 4)), offsets({0, 50, 53, 120, 200, kNodes}) {
    for (int64_t v = 0; v < kNodes; ++v) {
      labels.push_back(v % 7 == 3 ? kUnlabelled : static_cast<int32_t>(v % 5));
      const bool no_training = v >= 53 && v < 120;
      split.push_back(static_cast<uint8_t>(no_training ? 2 + v % 2 : v % 4));
      for (int64_t j = 0; j < kHopsAndSelf * kWidth; ++j)
        rows.push_back(static_cast<float>(1000 * v + j));
      for (int64_t j = 0; j < kEncoding; ++j) encodings.push_back(static_cast<float>(-10 * v - j));
    }
    features = MakeMappedFeatureSource({DType::kF32, rows.data(), kNodes, kHopsAndSelf, kWidth});
  }
  LoaderInputs Inputs(int32_t first = 0, int32_t end = 5) const {
    LoaderInputs inputs;
    inputs.topology = graph.topology32();
    inputs.features = features.get();
    inputs.labels = labels;
    inputs.pos_enc = TensorView<const float>(encodings.data(), {kNodes, kEncoding});
    inputs.split = split;
    inputs.partition_offsets = offsets;
    inputs.first_partition = first;
    inputs.end_partition = end;
    return inputs;
  }
  // Labelled nodes of partition p in the given part of the split.
  std::vector<GlobalId> Visited(size_t p, SplitPart part) const {
    std::vector<GlobalId> nodes;
    for (int64_t v = offsets[p]; v < offsets[p + 1]; ++v)
      if (split[static_cast<size_t>(v)] == static_cast<uint8_t>(part) && v % 7 != 3)
        nodes.emplace_back(v);
    return nodes;
  }

  SmallGraph graph;
  std::vector<int64_t> offsets;
  std::vector<int32_t> labels;
  std::vector<uint8_t> split;
  std::vector<float> rows, encodings;
  std::unique_ptr<FeatureSource> features;
};

inline LoaderOptions Options(int32_t sampled_nodes, int32_t prefetch_steps = 2,
                             int32_t num_threads = 1) {
  LoaderOptions options;
  options.sampler.sampled_nodes = sampled_nodes;
  options.sampler.seed = 8;
  options.prefetch_steps = prefetch_steps;
  options.num_threads = num_threads;
  return options;
}

inline Pass Train(int64_t epoch, int64_t batch) { return {.batch = batch, .epoch = epoch}; }
inline Pass Evaluate(std::vector<SplitPart> parts, int64_t batch) {
  return {.kind = Pass::Kind::kEvaluate, .batch = batch, .parts = std::move(parts)};
}

// A copy of what a batch holds, to compare.
struct Contents {
  explicit Contents(const Batch& batch)
      : epoch(batch.epoch),
        step(batch.step),
        global_nodes(batch.global_nodes),
        slice_offsets(batch.slice_offsets.begin(), batch.slice_offsets.end()),
        nodes(batch.nodes.begin(), batch.nodes.end()),
        sampled_offsets(batch.sampled_offsets.begin(), batch.sampled_offsets.end()),
        sampled(batch.sampled.begin(), batch.sampled.end()),
        multiplicity(batch.multiplicity.begin(), batch.multiplicity.end()),
        features(batch.features.data(), batch.features.data() + batch.features.size()),
        own(batch.own.begin(), batch.own.end()),
        pos_enc(batch.pos_enc.data(), batch.pos_enc.data() + batch.pos_enc.size()),
        labels(batch.labels.begin(), batch.labels.end()) {}
  bool operator==(const Contents&) const = default;
  int64_t epoch, step, global_nodes;
  std::vector<int64_t> slice_offsets;
  std::vector<GlobalId> nodes;
  std::vector<int64_t> sampled_offsets;
  std::vector<LocalRow> sampled;
  std::vector<int32_t> multiplicity;
  std::vector<float> features;
  std::vector<LocalRow> own;
  std::vector<float> pos_enc;
  std::vector<int32_t> labels;
};

inline std::vector<Contents> RunPasses(const LoaderInputs& inputs, const LoaderOptions& options,
                                       const std::vector<Pass>& passes) {
  std::vector<Contents> batches;
  auto loader = BatchLoader::Create(inputs, options);
  EXPECT_OK(loader);
  if (!loader.ok()) return batches;
  for (const Pass& pass : passes) {
    EXPECT_OK((*loader)->Start(pass));
    for (;;) {
      const auto batch = (*loader)->Next();
      EXPECT_OK(batch);
      if (!batch.ok() || *batch == nullptr) break;
      batches.emplace_back(**batch);
    }
  }
  return batches;
}

}  // namespace quadhop
