#include "tests/model/cuda/recorded_training.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tests/model/toy_job.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// `of_partition` nodes of each partition, others each step.
std::vector<int64_t> NodesOf(const ToyGraph& graph, std::vector<int64_t> of_partition,
                             int64_t step) {
  std::vector<int64_t> nodes;
  for (size_t p = 0; p < of_partition.size(); ++p) {
    const int64_t begin = graph.partition_offsets[p], end = graph.partition_offsets[p + 1];
    for (int64_t i = 0; i < of_partition[p]; ++i)
      nodes.push_back(begin + (2 * step + i) % (end - begin));
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

}  // namespace

RecordedTraining TrainWithRecordings(
    LargeGTOptions options, bool cuda_graphs,
    const std::function<void(int64_t step, LargeGT& model)>& after_step) {
  options.cuda_graphs = cuda_graphs;
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 7, 12, 20});
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, options, *comm);
  RecordedTraining training;
  for (int64_t step = 0; step < 18; ++step) {
    training.losses.push_back(rank.Train(step, NodesOf(graph, {4, 3, 5 + step % 2}, step)));
    if (after_step) after_step(step, rank.model());
    if (step != 11) continue;
    const Batch all = rank.MakeBatch(-1, NodesOf(graph, {7, 5, 8}, 0));
    Tensor<float> logits({all.num_nodes(), options.dims.classes});
    EXPECT_OK(rank.model().Predict(all, logits.view()));
  }
  training.state = StateOf(rank.model());
  training.logits = rank.model().last_logits();
  return training;
}

LargeGTOptions SmallModel() {
  LargeGTOptions options;
  options.dims = {.features = 3,
                  .sampled = 2,
                  .pos_enc = 2,
                  .width = 8,
                  .heads = 1,
                  .centroids = 5,
                  .classes = 2};
  return options;
}

std::vector<LargeGTOptions> RecordedModels() {
  std::vector<LargeGTOptions> models;
  for (const auto& [conv, norm] : {std::pair(Conv::kFull, NormKind::kBatch),
                                   {Conv::kLocal, NormKind::kLayer},
                                   {Conv::kGlobal, NormKind::kNone},
                                   {Conv::kNone, NormKind::kBatch}}) {
    LargeGTOptions options = SmallModel();
    options.dims.centroids = 20;
    options.conv = conv;
    options.norm = norm;
    options.attention_dropout = 0.1;
    options.codebook_start = CodebookStart::kData;  // at the seventh step
    models.push_back(options);
  }
  return models;
}

}  // namespace quadhop
