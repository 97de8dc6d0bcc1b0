// A model on a store, on one rank: what train, eval and predict have in common.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "comm/sums/partition_owners.h"
#include "core/files/file_lock.h"
#include "core/memory/staging_resource.h"
#include "core/store/store.h"
#include "launch/config.pb.h"
#include "launch/memory/memory_plan.h"
#include "launch/memory/placed_graph.h"
#include "launch/ranks/runtime.h"
#include "launch/session/prediction.h"
#include "model/checkpoint/checkpoint.h"
#include "model/largegt/largegt.h"
#include "sampler/batches/batch_loader.h"

namespace quadhop {

// Whether the work is to end early, over all ranks. Collective.
using StopQuestion = std::function<absl::StatusOr<bool>()>;

// Owns the opened store, the loader and the model of one rank. Used by one thread.
class Session {
 public:
  // Collective. Checks this rank's partitions against their checksums. A fault on any rank is an
  // error of AgreeOnStatus on all ranks: config, store and number of ranks do not fit together, or
  // a step needs more memory than there is. classes_to_predict: 0, or the number of classes of a
  // model that only predicts: the store may then have other labels, other splits than `split`, or
  // no labels or splits at all.
  static absl::StatusOr<std::unique_ptr<Session>> Create(const std::string& store_path,
                                                         const std::string& split,
                                                         const Config& config,
                                                         const RankContext& context,
                                                         int64_t classes_to_predict = 0);

  // Backends are chosen: none is AUTO. The batch is that of the largest step.
  const Config& config() const { return config_; }
  const RankContext& context() const { return context_; }
  const Store& store() const { return *store_; }
  const std::string& split() const { return split_; }  // by name; "" if the store has none
  const LoaderInputs& inputs() const { return inputs_; }
  // The class that measures of a ranking put first: of two, the rarer one in training (RarerClass).
  // Nothing if there are not two, or no labels.
  std::optional<int32_t> ranked_class() const { return ranked_class_; }
  BatchLoader& loader() { return *loader_; }
  Kernels& kernels() { return *kernels_; }
  LargeGT& model() { return *model_; }
  // Ends the loader's pass after its first `num_steps` steps and those that a rank can have begun
  // to exchange, and returns after how many that is. Called with the same number on all ranks.
  int64_t EndPassAfter(int64_t num_steps);
  // The original ids of this rank's nodes, [N_owned].
  absl::StatusOr<absl::Span<const int64_t>> OwnedOriginalIds() const;
  // adam: nullptr if a checkpoint's optimiser is not wanted.
  CheckpointSubject Subject(Adam* adam);

  // Calls `use` for the nodes of every step of an evaluation pass, even if this rank's batch is
  // empty, so that `use` may be collective. Of several samples, the batch has the last. Ends at the
  // first error of `use`; and with kCancelled soon after `is_to_stop`, which is asked after every
  // step and answers the same on all ranks, says so. Rank 0 shows the progress on a terminal, and
  // warns of nodes whose logits are NaN. Collective.
  absl::Status ForEachPrediction(
      const Pass& pass, bool with_embeddings,
      const std::function<absl::Status(const Batch&, const Prediction&)>& use,
      const StopQuestion& is_to_stop = {});

  // How many of `wanted` samples of a node can differ: 1 if the model takes only the node itself.
  int64_t DistinctSamples(int64_t wanted) const {
    return options_.dims.sampled > 1 ? wanted : int64_t{1};
  }

 private:
  Session(const Config& config, const RankContext& context) : config_(config), context_(context) {}
  absl::Status AgreeOnBackends();
  absl::Status Open(const std::string& store_path, const std::string& split);
  absl::Status ReadStore(const std::string& split);
  absl::Status PlaceGraph();
  absl::Status CheckMemory(int64_t needed_bytes) const;
  void WarnOfGpuMemory() const;
  absl::Status AgreeOnPrecision();
  absl::Status CountRanksOnGpu();
  absl::Status MakeKernels();
  absl::Status MakeLoader();
  absl::Status MakeModel();

  Config config_;
  RankContext context_;
  std::optional<FileLock> reads_;  // keeps writers from the store
  std::unique_ptr<Store> store_;
  std::string split_;
  int64_t classes_to_predict_ = 0;
  LargeGTOptions options_;  // of the model
  PartitionOwners owners_;
  double predicted_efficiency_ = 1;         // mean work of a rank over the largest
  std::vector<int64_t> partition_offsets_;  // [P + 1]
  std::vector<float> class_weights_;        // [C], or empty
  std::optional<int32_t> ranked_class_;
  GpuShare gpu_;  // step_bytes is 0 without a GPU
  std::unique_ptr<PlacedGraph> graph_;
  LoaderInputs inputs_;
  std::optional<StagingResource> batch_memory_;
  std::unique_ptr<BatchLoader> loader_;
  std::unique_ptr<Kernels> kernels_;
  std::unique_ptr<Communicator> model_comm_;  // nullptr: the context's
  std::unique_ptr<LargeGT> model_;
};

}  // namespace quadhop
