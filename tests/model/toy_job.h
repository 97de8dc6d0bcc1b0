// A small training problem for the production model, whole or cut over the ranks of a job.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <vector>

#include "comm/collectives/communicator.h"
#include "core/batch/batch.h"
#include "core/memory/staging_resource.h"
#include "core/threads/thread_pool.h"
#include "model/largegt/largegt.h"
#include "model/parameters/adam.h"
#include "tests/model/test_kernels.h"

namespace quadhop {

// N nodes with random features, encodings, labels and samples, cut into P partitions.
struct ToyGraph {
  LargeGTDims dims;
  std::vector<int64_t> partition_offsets;  // [P + 1]
  Tensor<float> features;                  // [N, hops and self, F]
  Tensor<float> pos_enc;                   // [N, G]
  std::vector<int32_t> labels;             // [N]
  Tensor<uint8_t> multi_labels;            // [N, C] of 0, 1, 2
  std::vector<int64_t> sampled;            // [N, K]: nodes, the node itself first
  std::vector<int64_t> original_ids;       // [N]

  int64_t num_nodes() const { return partition_offsets.back(); }
  int32_t num_partitions() const { return static_cast<int32_t>(partition_offsets.size()) - 1; }
};
ToyGraph MakeToyGraph(const LargeGTDims& dims, std::vector<int64_t> partition_offsets);

// About a share of the nodes, another set each step, ascending.
std::vector<int64_t> ToyNodes(const ToyGraph& graph, double share, int64_t step);

// What partitions [first, end) have of the batch of `nodes` (ascending). Feature rows stand in
// another order than nodes.
Batch MakeToyBatch(const ToyGraph& graph, int64_t step, absl::Span<const int64_t> nodes,
                   int32_t first_partition, int32_t end_partition,
                   std::pmr::memory_resource* memory = AlignedResource());

struct ToyRankOptions {
  int num_threads = 1;
  Reduction reduction = Reduction::kReproducible;
  AdamOptions adam = {};
  std::vector<float> class_weight = {};  // [C], or empty
  TestExchange exchange = TestExchanges().front();
  std::function<std::unique_ptr<Kernels>(ThreadPool&, Precision, int local_rank)> make_kernels =
      MakeTestKernels;
};

// One rank's model, and all that it borrows but graph and communicator. Made by all ranks at once.
class ToyRank {
 public:
  ToyRank(const ToyGraph& graph, const LargeGTOptions& options, Communicator& comm,
          const ToyRankOptions& rank_options = {});

  // This rank's share of a batch, in memory of the rank.
  Batch MakeBatch(int64_t step, absl::Span<const int64_t> nodes);
  // Gradients and one step of Adam; the loss. Failed expectations on error.
  double Train(int64_t step, absl::Span<const int64_t> nodes, double learning_rate = 1e-2);

  LargeGT& model() { return *model_; }
  Adam& adam() { return *adam_; }
  Kernels& kernels() { return *kernels_; }
  const PartitionOwners& owners() const { return owners_; }
  absl::Span<const int64_t> OwnedOriginalIds() const;

 private:
  const ToyGraph& graph_;
  PartitionOwners owners_;
  int32_t first_partition_, end_partition_;
  std::vector<float> class_weight_;
  ThreadPool pool_;
  std::unique_ptr<Kernels> kernels_;
  StagingResource batch_memory_;
  std::unique_ptr<Communicator> comm_;
  std::unique_ptr<LargeGT> model_;
  std::unique_ptr<Adam> adam_;
};

// All floats of the model's state in one row: equal bits, equal models.
std::vector<float> StateOf(LargeGT& model);

}  // namespace quadhop
