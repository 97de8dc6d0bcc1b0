// What batches are made of, borrowed from a store or from a test.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "comm/sums/ordered_sum.h"
#include "core/arrays/tensor.h"
#include "core/batch/device_rows.h"
#include "core/memory/aligned_memory.h"
#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "sampler/batches/labelled_counts.h"
#include "sampler/features/feature_source.h"

namespace quadhop {

// Everything is borrowed and must outlive its user.
struct LoaderInputs {
  Topology topology;                        // may be empty if K = 0
  Topology training_topology;               // replaces it in training passes; may be empty
  FeatureSource* features = nullptr;        // not null when used
  const DeviceRows* device_rows = nullptr;  // if not null, batches have ids in place of features
  absl::Span<const int32_t> labels;         // [N]; empty for multi-label, or if there are none
  TensorView<const uint8_t> multi_labels;   // [N, C]; empty for single-label
  TensorView<const float> pos_enc;          // [N, G]; empty if the model takes none
  absl::Span<const uint8_t> split;          // [N] of SplitPart; empty: no node is in any part
  LabelledCounts labelled;                  // see CountLabelled
  absl::Span<const int64_t> partition_offsets;  // [P + 1]
  int32_t first_partition = 0;                  // this rank owns partitions [first, end)
  int32_t end_partition = 0;
  std::pmr::memory_resource* batch_memory = AlignedResource();  // for batches

  int64_t num_nodes() const { return partition_offsets.back(); }
  int32_t num_partitions() const { return static_cast<int32_t>(partition_offsets.size()) - 1; }
  int64_t FirstNode(int32_t partition) const {
    return partition_offsets[static_cast<size_t>(partition)];
  }
  // Whether the node has a label (with several columns: at least one).
  bool HasLabel(int64_t node) const;
  // Counts the labelled nodes, unless that has been done.
  void CountLabelled(ThreadPool& pool);
  // Labelled nodes of a part of the split, as counted: for kTrain, those that steps visit.
  int64_t NumLabelled(SplitPart part) const { return labelled.Of(part); }
  // Labelled training nodes of this rank's partitions, ascending.
  std::vector<GlobalId> OwnTrainingNodes() const;
  // kInvalidArgument, naming the array, if lengths do not match or partitions are not in [0, P].
  absl::Status Validate() const;
};

// The labels, the split and the partitions of a store, none of them owned yet, its labelled nodes
// counted on the pool. `split` "" is the store's first by name. Errors are the store's.
absl::StatusOr<LoaderInputs> TargetsFromStore(const Store& store, absl::string_view split,
                                              ThreadPool& pool);
// Targets for nodes that are only to be predicted: the partitions alone.
LoaderInputs UnlabelledTargets(const Store& store);

// Adds the graph, and which partitions are those of rank `rank`: all inputs then but features.
absl::Status AddGraph(const Store& store, bool with_pos_enc, const PartitionOwners& owners,
                      Rank rank, LoaderInputs& targets);

}  // namespace quadhop
