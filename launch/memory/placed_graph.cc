#include "launch/memory/placed_graph.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "core/threads/thread_pool.h"
#include "launch/config/model_options.h"
#include "launch/ranks/agreed_status.h"
#include "launch/ranks/gpus.h"
#include "sampler/cuda/device_rows_cuda.h"
#include "sampler/cuda/gpu_room.h"
#include "sampler/features/hot_set.h"
#include "sampler/features/partitioned_feature_source.h"

namespace quadhop {
namespace {

double Megabytes(int64_t bytes) { return static_cast<double>(bytes) * 1e-6; }

BlockRange OwnNodes(const LoaderInputs& inputs) {
  return {inputs.FirstNode(inputs.first_partition), inputs.FirstNode(inputs.end_partition)};
}

// About the number of steps of an epoch, on which the expected hit rate depends.
int64_t StepsOfAnEpoch(const LoaderInputs& inputs, int64_t batch) {
  return NumBlocks(inputs.NumLabelled(SplitPart::kTrain), batch);
}

bool TakesRowsOnGpu(const Config& config) {
  return config.model().backend() == ModelConfig::CUDA &&
         config.sampler().backend() == SamplerConfig::CUDA;
}

absl::StatusOr<std::unique_ptr<DeviceRows>> MakeDeviceRows(
    const Store& store, const FeatureTable& table, const LoaderInputs& inputs, const Config& config,
    const RankContext& context, const GpuShare& gpu) {
  const Topology& topology =
      inputs.training_topology.indptr.empty() ? inputs.topology : inputs.training_topology;
  const auto hottest = [&](int64_t max_rows) -> absl::StatusOr<std::vector<GlobalId>> {
    QH_ASSIGN_OR_RETURN(const PlacementFacts facts,
                        FactsOf(store, inputs, config, context, /*working_bytes=*/0));
    QH_RETURN_IF_ERROR(CheckLockedRows(facts));
    return ChooseHotSet(ExpectedDraws(topology, SamplingOptions(config).sampler,
                                      inputs.OwnTrainingNodes(), context.pool),
                        BlockRange{0, 0}, max_rows, StepsOfAnEpoch(inputs, config.train().batch()))
        .nodes;
  };
  QH_ASSIGN_OR_RETURN(const int64_t free_bytes, FreeGpuBytes(context.local_rank));
  return MakeCudaDeviceRows(table, context.local_rank,
                            RoomForRows(free_bytes / gpu.num_ranks, gpu.step_bytes), hottest,
                            context.pool);
}

}  // namespace

absl::StatusOr<PlacementFacts> FactsOf(const Store& store, const LoaderInputs& inputs,
                                       const Config& config, const RankContext& context,
                                       int64_t working_bytes) {
  QH_ASSIGN_OR_RETURN(const FeatureTable table, store.features());
  PlacementFacts facts;
  facts.ranks_on_host = context.ranks_on_host;
  facts.first_rank_on_host = context.first_rank_on_host;
  QH_ASSIGN_OR_RETURN(facts.available_bytes, AvailableMemoryBytes());
  facts.working_bytes = working_bytes;
  const BlockRange own = OwnNodes(inputs);
  facts.feature_bytes = table.num_nodes * table.row_bytes();
  facts.own_feature_bytes = (own.end - own.begin) * table.row_bytes();
  facts.largest_hot_set_bytes =
      (table.num_nodes - (own.end - own.begin)) * HotRowBytes(table.row_bytes());
  facts.forecast_bytes =
      ForecastBytes(table.num_nodes, SamplingOptions(config).sampler, context.pool.num_threads());
  facts.topology_bytes = inputs.topology.num_bytes();
  facts.samples = SamplingOptions(config).sampler.sampled_nodes > 0;
  facts.resident_topology_bytes = [&inputs] {
    return ResidentTopologyBytes(inputs.topology, inputs.OwnTrainingNodes());
  };
  return facts;
}

absl::StatusOr<std::unique_ptr<PlacedGraph>> PlacedGraph::Create(
    const Store& store, const Placement& placement, const PartitionOwners& owners,
    const Config& config, const RankContext& context, const GpuShare& gpu, LoaderInputs& inputs) {
  std::unique_ptr<PlacedGraph> graph(new PlacedGraph);
  if (placement.topology == TopologyPlacement::RESIDENT) {
    graph->topology_ =
        ResidentTopology::Build(inputs.topology, inputs.OwnTrainingNodes(), context.pool);
    inputs.training_topology = graph->topology_->topology();
    graph->Describe(absl::StrFormat("%.1f MB of topology", Megabytes(graph->topology_->bytes())));
  }
  QH_ASSIGN_OR_RETURN(const FeatureTable table, store.features());
  QH_RETURN_IF_ERROR(placement.features == FeaturePlacement::MAPPED
                         ? graph->MapRows(store, table, config, context, gpu, inputs)
                         : graph->KeepRows(store, table, placement.hot_set_bytes, owners, config,
                                           context, inputs));
  inputs.features = graph->features_.get();
  inputs.device_rows = graph->device_rows_.get();
  return graph;
}

absl::Status PlacedGraph::MapRows(const Store& store, const FeatureTable& table,
                                  const Config& config, const RankContext& context,
                                  const GpuShare& gpu, const LoaderInputs& inputs) {
  features_ = MakeMappedFeatureSource(table);
  if (!TakesRowsOnGpu(config)) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<DeviceRows>> made =
      MakeDeviceRows(store, table, inputs, config, context, gpu);
  QH_RETURN_IF_ERROR(AgreeOnStatus(context.comm, "feature rows for all GPUs", made.status()));
  device_rows_ = *std::move(made);
  return absl::OkStatus();
}

absl::Status PlacedGraph::KeepRows(const Store& store, const FeatureTable& table,
                                   int64_t hot_set_bytes, const PartitionOwners& owners,
                                   const Config& config, const RankContext& context,
                                   const LoaderInputs& inputs) {
  FeatureResidence residence;
  for (const int32_t p : owners.first) residence.rank_offsets.push_back(inputs.FirstNode(p));
  const int64_t max_hot = hot_set_bytes / HotRowBytes(table.row_bytes());
  HotSet hot;
  if (max_hot > 0)
    hot = ChooseHotSet(
        ExpectedDraws(topology_.has_value() ? inputs.training_topology : inputs.topology,
                      SamplingOptions(config).sampler, inputs.OwnTrainingNodes(), context.pool),
        OwnNodes(inputs), max_hot, StepsOfAnEpoch(inputs, config.train().batch()));
  residence.hot_nodes = std::move(hot.nodes);
  const auto num_hot = static_cast<int64_t>(residence.hot_nodes.size());
  const int64_t num_own = OwnNodes(inputs).end - OwnNodes(inputs).begin;
  Describe(absl::StrFormat(
      "%d own rows (%.1f MB) and %d hot ones (%.1f MB), expected to hold %.1f %% of the remote "
      "rows of a step",
      num_own, Megabytes(num_own * table.row_bytes()), num_hot,
      Megabytes(num_hot * HotRowBytes(table.row_bytes())), 100 * hot.expected_hit_rate));
  QH_ASSIGN_OR_RETURN(const RowReader read, FeatureRowReader(store));
  QH_ASSIGN_OR_RETURN(features_, MakePartitionedFeatureSource(table, std::move(residence), read,
                                                              context.comm, context.pool));
  return absl::OkStatus();
}

void PlacedGraph::Describe(const std::string& kept) {
  absl::StrAppend(&description_, description_.empty() ? "" : "\n", "kept: ", kept);
}

}  // namespace quadhop
