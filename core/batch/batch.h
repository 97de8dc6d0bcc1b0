// What the sampler hands to the model: one rank's share of one step.
//
// Dims (project glossary: DESIGN.md section 4): B batch nodes of this rank, K sampled nodes each
// (the node first), D entries for all of them, F features, G encoding width, C classes, U distinct
// rows, Pl partitions of this rank.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/base/ids.h"
#include "core/batch/device_rows.h"
#include "core/memory/aligned_memory.h"

namespace quadhop {

// Owned by whoever holds it; filled by the sampler, read by the model. Nodes of one partition are
// contiguous, partitions in ascending order.
struct Batch {
  // Arrays are allocated from `resource`, which must outlive the batch.
  explicit Batch(std::pmr::memory_resource* resource = AlignedResource())
      : slice_offsets(resource),
        nodes(resource),
        sampled_offsets(resource),
        sampled(resource),
        multiplicity(resource),
        features(resource),
        rows(resource),
        own(resource),
        pos_enc(resource),
        labels(resource),
        multi_labels(resource) {}

  int64_t epoch = 0;         // from 1; sample i of evaluation: -i
  int64_t step = 0;          // global step from 0, the key of dropout; -1: evaluation
  int64_t global_nodes = 0;  // nodes of this step over all ranks
  std::pmr::vector<int64_t>
      slice_offsets;                 // [Pl + 1]: rows of partition i of this rank are [i], [i + 1)
  std::pmr::vector<GlobalId> nodes;  // [B]
  // The sample of node b is the entries [sampled_offsets[b], sampled_offsets[b + 1]), the node
  // itself first. Each entry stands for as many of the K sampled nodes of b as its multiplicity
  // says. Empty if K = 0.
  std::pmr::vector<int64_t> sampled_offsets;  // [B + 1]
  std::pmr::vector<LocalRow> sampled;         // [D]: rows of `features`
  std::pmr::vector<int32_t> multiplicity;     // [D]
  Tensor<float> features;                     // [U, 1 + hops, F]; empty if the device gathers them:
  const DeviceRows* device_rows = nullptr;    // from `rows`; nullptr: it does not
  std::pmr::vector<GlobalId> rows;            // [U]; empty without device_rows
  std::pmr::vector<LocalRow> own;             // [B]: the row of the node itself
  Tensor<float> pos_enc;                      // [B, G]; empty if the model takes none
  std::pmr::vector<int32_t> labels;           // [B]; empty for multi-label
  Tensor<uint8_t> multi_labels;               // [B, C]; empty for single-label

  int64_t num_nodes() const { return static_cast<int64_t>(nodes.size()); }
  // Sets offsets and multiplicities for `sampled` [B, k], whose entries stand for one node each.
  void CountEachOnce(int64_t k) {
    sampled_offsets.resize(nodes.size() + 1);
    for (size_t b = 0; b <= nodes.size(); ++b) sampled_offsets[b] = k * static_cast<int64_t>(b);
    multiplicity.assign(sampled.size(), 1);
  }
};

}  // namespace quadhop
