#include "tests/model/toy_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "tests/support/even_owners.h"

namespace quadhop {

ToyGraph MakeToyGraph(const LargeGTDims& dims, std::vector<int64_t> partition_offsets) {
  ToyGraph graph;
  graph.dims = dims;
  graph.partition_offsets = std::move(partition_offsets);
  const int64_t n = graph.num_nodes();
  const auto num_nodes = static_cast<uint64_t>(n);
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  graph.features.Resize({n, dims.hops_and_self, dims.features});
  graph.pos_enc.Resize({n, dims.pos_enc});
  graph.multi_labels.Resize({n, dims.classes});
  for (Tensor<float>* t : {&graph.features, &graph.pos_enc})
    for (int64_t i = 0; i < t->size(); ++i) (*t)[i] = static_cast<float>(random.Normal());
  for (int64_t i = 0; i < graph.multi_labels.size(); ++i)
    graph.multi_labels[i] = static_cast<uint8_t>(random.Below(3));
  for (int64_t v = 0; v < n; ++v) {
    graph.labels.push_back(static_cast<int32_t>(random.Below(static_cast<uint64_t>(dims.classes))));
    for (int64_t k = 0; k < dims.sampled; ++k)
      graph.sampled.push_back(k == 0 ? v : static_cast<int64_t>(random.Below(num_nodes)));
    graph.original_ids.push_back(v);
  }
  for (uint64_t i = num_nodes; i > 1; --i)
    std::swap(graph.original_ids[i - 1], graph.original_ids[random.Below(i)]);
  return graph;
}

std::vector<int64_t> ToyNodes(const ToyGraph& graph, double share, int64_t step) {
  RandomStream random(2, RandomPurpose::kTest, static_cast<uint64_t>(step), 0);
  std::vector<int64_t> nodes;
  for (int64_t v = 0; v < graph.num_nodes(); ++v)
    if (random.Uniform() < share) nodes.push_back(v);
  return nodes;
}

Batch MakeToyBatch(const ToyGraph& graph, int64_t step, absl::Span<const int64_t> nodes,
                   int32_t first_partition, int32_t end_partition,
                   std::pmr::memory_resource* memory) {
  const LargeGTDims& d = graph.dims;
  const int64_t last = graph.num_nodes() - 1;
  const auto row_of = [last](int64_t v) { return LocalRow(static_cast<int32_t>(last - v)); };
  Batch batch(memory);
  batch.epoch = 1;
  batch.step = step;
  batch.global_nodes = static_cast<int64_t>(nodes.size());
  batch.slice_offsets = {0};
  for (int32_t p = first_partition; p < end_partition; ++p) {
    for (const int64_t v : nodes) {
      if (v < graph.partition_offsets[static_cast<size_t>(p)] ||
          v >= graph.partition_offsets[static_cast<size_t>(p) + 1])
        continue;
      batch.nodes.push_back(GlobalId(v));
      batch.own.push_back(row_of(v));
      batch.labels.push_back(graph.labels[static_cast<size_t>(v)]);
      for (int64_t k = 0; k < d.sampled; ++k)
        batch.sampled.push_back(row_of(graph.sampled[static_cast<size_t>(v * d.sampled + k)]));
    }
    batch.slice_offsets.push_back(batch.num_nodes());
  }
  batch.CountEachOnce(d.sampled);
  batch.features.Resize({last + 1, d.hops_and_self, d.features});
  for (int64_t v = 0; v <= last; ++v)
    std::copy_n(graph.features.row(v), d.hops_and_self * d.features,
                batch.features.row(row_of(v).value()));
  batch.pos_enc.Resize({batch.num_nodes(), d.pos_enc});
  batch.multi_labels.Resize({batch.num_nodes(), d.classes});
  for (int64_t r = 0; r < batch.num_nodes(); ++r) {
    const int64_t v = batch.nodes[static_cast<size_t>(r)].value();
    std::copy_n(graph.pos_enc.row(v), d.pos_enc, batch.pos_enc.row(r));
    std::copy_n(graph.multi_labels.row(v), d.classes, batch.multi_labels.row(r));
  }
  return batch;
}

ToyRank::ToyRank(const ToyGraph& graph, const LargeGTOptions& options, Communicator& comm,
                 const ToyRankOptions& rank_options)
    : graph_(graph),
      owners_(EvenOwners(graph.num_partitions(), comm.num_ranks())),
      first_partition_(owners_.first[static_cast<size_t>(comm.rank().value())]),
      end_partition_(owners_.first[static_cast<size_t>(comm.rank().value()) + 1]),
      class_weight_(rank_options.class_weight),
      pool_(rank_options.num_threads),
      kernels_(rank_options.make_kernels(pool_, options.precision,
                                         rank_options.exchange.gpu_each ? comm.rank().value() : 0)),
      batch_memory_(*kernels_->memory().NewStream()),
      comm_(rank_options.exchange.make_communicator(comm, *kernels_)) {
  ModelPlacement placement;
  placement.kernels = kernels_.get();
  placement.comm = comm_.get();
  placement.owners = owners_;
  placement.reduction = rank_options.reduction;
  placement.first_node = GlobalId(graph.partition_offsets[static_cast<size_t>(first_partition_)]);
  placement.owned_original_ids = OwnedOriginalIds();
  placement.class_weight = class_weight_;
  absl::StatusOr<std::unique_ptr<LargeGT>> model = LargeGT::Create(options, placement);
  QH_CHECK(model.ok());
  model_ = std::move(*model);
  adam_ = std::make_unique<Adam>(rank_options.adam, model_->parameters());
}

absl::Span<const int64_t> ToyRank::OwnedOriginalIds() const {
  const int64_t first = graph_.partition_offsets[static_cast<size_t>(first_partition_)];
  const int64_t end = graph_.partition_offsets[static_cast<size_t>(end_partition_)];
  return absl::MakeConstSpan(graph_.original_ids)
      .subspan(static_cast<size_t>(first), static_cast<size_t>(end - first));
}

Batch ToyRank::MakeBatch(int64_t step, absl::Span<const int64_t> nodes) {
  return MakeToyBatch(graph_, step, nodes, first_partition_, end_partition_, &batch_memory_);
}

double ToyRank::Train(int64_t step, absl::Span<const int64_t> nodes, double learning_rate) {
  const absl::StatusOr<double> loss = model_->ComputeGradients(MakeBatch(step, nodes));
  EXPECT_TRUE(loss.ok()) << loss.status();
  adam_->Apply(*kernels_, learning_rate, model_->parameters());
  return loss.value_or(-1);
}

std::vector<float> StateOf(LargeGT& model) {
  std::vector<float> all;
  for (const StateArray& array : model.State()) {
    if (array.integer != nullptr) {
      all.push_back(static_cast<float>(*array.integer));
    } else {
      const std::vector<float> floats = ToHost(model.memory(), array.floats);
      all.insert(all.end(), floats.begin(), floats.end());
    }
  }
  return all;
}

}  // namespace quadhop
