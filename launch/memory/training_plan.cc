#include "launch/memory/training_plan.h"

#include <algorithm>

#include "core/base/status.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "launch/config/backends.h"
#include "launch/memory/placement.h"
#include "sampler/batches/loader_inputs.h"
#include "sampler/cuda/batch_sampler_cuda.h"
#include "sampler/cuda/device_rows_cuda.h"
#include "sampler/cuda/gpu_room.h"
#include "sampler/features/hot_set.h"

namespace quadhop {
namespace {

// The program, its libraries and MPI's buffers, measured.
constexpr int64_t kProgramBytes = 90'000'000;

// Encodings and original ids: a rank reads those of its own nodes.
int64_t OwnNodeBytes(const GraphShape& graph) {
  return 4 * graph.dims.pos_enc + static_cast<int64_t>(sizeof(int64_t));
}
// Labels and splits: a rank reads all.
constexpr int64_t kCommonNodeBytes = 4 + 1;

// In the order in which memory is taken: the rows, then the sampler.
GpuPlan PlanGpu(const GraphShape& graph, int64_t gpu_bytes, int64_t step_bytes) {
  const int64_t rows =
      NumRowsOnDevice(graph.nodes, graph.row_bytes(), RoomForRows(gpu_bytes, step_bytes));
  const int64_t places_bytes = rows == graph.nodes ? 0 : graph.nodes * kHotRowIndexBytes;
  GpuPlan plan;
  plan.row_bytes = rows * graph.row_bytes();
  const int64_t left = gpu_bytes - plan.row_bytes - places_bytes;
  if (graph.topology_bytes() <= RoomForTopology(left, step_bytes))
    plan.topology_bytes = graph.topology_bytes();
  return plan;
}

}  // namespace

absl::StatusOr<GraphShape> GraphShape::Of(const Store& store, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const FeatureTable features, store.features());
  QH_ASSIGN_OR_RETURN(const LoaderInputs targets, TargetsFromStore(store, "", pool));
  GraphShape graph;
  graph.dims = {features.width, features.hops_and_self, store.manifest().pos_enc_width(),
                store.manifest().classes()};
  graph.nodes = store.num_nodes();
  graph.arcs = store.manifest().arcs();
  graph.feature_bytes = SizeOfDType(features.dtype);
  graph.train_nodes = targets.NumLabelled(SplitPart::kTrain);
  graph.valid_nodes = targets.NumLabelled(SplitPart::kValid);
  graph.test_nodes = targets.NumLabelled(SplitPart::kTest);
  return graph;
}

int64_t GraphShape::topology_bytes() const { return TopologyBytes(nodes, arcs); }

int64_t GraphShape::store_bytes() const {
  return all_rows_bytes() + topology_bytes() + nodes * (OwnNodeBytes(*this) + kCommonNodeBytes);
}

TrainingPlan PlanTraining(const GraphShape& graph, const JobShape& job, const Config& config) {
  Config largest = WithLargestBatch(config, graph.train_nodes, graph.nodes);
  ChooseBackends(job.gpus, &largest);
  TrainingPlan plan;
  plan.work =
      PlanMemory(ModelOptions(config, graph.dims), largest, NumBlocks(job.partitions, job.ranks),
                 job.partitions, graph.nodes, job.threads);
  plan.steps = NumBlocks(graph.train_nodes, config.train().batch());
  const int64_t batch = EvenBatch(std::max<int64_t>(1, graph.train_nodes), config.train().batch());
  plan.rank_nodes = NumBlocks(batch, job.ranks);

  const int64_t own_nodes = NumBlocks(graph.nodes, job.ranks);
  const int64_t own_rows = own_nodes * graph.row_bytes();
  const int64_t hot_rows = job.ranks == 1 ? 0
                                          : std::min(graph.all_rows_bytes() / kDefaultHotSetPart,
                                                     graph.all_rows_bytes() - own_rows);
  const int64_t shared = graph.topology_bytes() + graph.nodes * kCommonNodeBytes;
  const int64_t alone = kProgramBytes + plan.work.host_bytes() + own_nodes * OwnNodeBytes(graph);
  plan.mapped.rank_bytes = alone + shared + graph.all_rows_bytes();
  plan.mapped.host_bytes = job.ranks_per_host * alone + shared + graph.all_rows_bytes();
  const SamplerOptions sampler = SamplingOptions(config).sampler;
  // Rows are read only after the hot set is chosen.
  const int64_t forecast =
      hot_rows == 0 ? 0 : kProgramBytes + ForecastBytes(graph.nodes, sampler, job.threads);
  const int64_t by_parts = std::max(alone + own_rows + hot_rows, forecast);
  plan.partitioned.rank_bytes = by_parts + shared;
  plan.partitioned.host_bytes = job.ranks_per_host * by_parts + shared;

  plan.gpu = PlanGpu(graph, job.gpu_bytes, plan.work.gpu_bytes());

  const int64_t sampled = std::max<int64_t>(1, sampler.sampled_nodes);
  plan.distinct_rows = DistinctRows(batch * sampled, graph.nodes);
  plan.remote_rows = plan.distinct_rows - plan.distinct_rows / job.ranks;
  return plan;
}

}  // namespace quadhop
