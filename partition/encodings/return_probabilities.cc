#include "partition/encodings/return_probabilities.h"

#include <algorithm>
#include <atomic>

#include "partition/encodings/random_walk.h"
#include "partition/linear_algebra/standardize.h"

namespace quadhop {
namespace {

constexpr int kWalks = 256;
constexpr int64_t kNodesPerBlock = 64;
constexpr uint64_t kWalkStream = 2;  // `minor` of the stream keys; other encodings have their own

void CountReturns(const EncoderInput& input, int64_t node, float* row, int64_t num_steps) {
  std::fill_n(row, num_steps, 0.0f);
  if (input.topology.degree(node) == 0) return;
  RandomStream random(input.seed, RandomPurpose::kEncoding,
                      static_cast<uint64_t>(input.keys[static_cast<size_t>(node)]), kWalkStream);
  for (int walk = 0; walk < kWalks; ++walk) {
    int64_t at = RandomNeighbor(input.topology, node, random);
    for (int64_t step = 0; step < num_steps; ++step) {
      at = RandomNeighbor(input.topology, at, random);
      if (at == node) row[step] += 1.0f / kWalks;
    }
  }
}

}  // namespace

absl::Status ReturnProbabilities(const EncoderInput& input, TensorView<float> out) {
  const int64_t num_nodes = input.topology.num_nodes();
  std::atomic<int64_t> nodes_done = 0;
  input.pool.ParallelFor(NumBlocks(num_nodes, kNodesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes, kNodesPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node)
      CountReturns(input, node, out.row(node), out.dim(1));
    nodes_done += range.end - range.begin;
    Tell(input.on_progress, "walks", ShareOf(nodes_done, num_nodes));
  });
  StandardizeColumns(out, input.pool);
  return absl::OkStatus();
}

}  // namespace quadhop
