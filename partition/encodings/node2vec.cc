#include "partition/encodings/node2vec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "partition/encodings/random_walk.h"
#include "partition/linear_algebra/add_scaled.h"
#include "partition/linear_algebra/random_rows.h"

namespace quadhop {
namespace {

constexpr int64_t kWalksANode = kMostNode2vecWalks, kWalkNodes = 40, kContext = 20, kNegatives = 20;
constexpr int64_t kWindows = kWalkNodes - kContext + 1;  // of a walk; its first node scores
constexpr float kNegativeWeight = static_cast<float>(kContext - 1) / kNegatives;
constexpr int64_t kRowsAWalk = kWalkNodes + kNegatives;
constexpr float kLearningRate = 0.1f, kFirstSize = 0.1f;
constexpr int64_t kGradientFloats = int64_t{1} << 24;  // of a block
constexpr int64_t kMaxWalks = 1024;                    // of a block
constexpr int64_t kNodesABlockedWalk = 8;  // smaller graphs have smaller blocks, and more of them

// Sums in eight lanes: the same digits on every processor.
float Dot(const float* x, const float* y, int64_t n) {
  std::array<float, 8> lanes{};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t lane = 0; lane < 8; ++lane)
      lanes[lane] += x[i + static_cast<int64_t>(lane)] * y[i + static_cast<int64_t>(lane)];
  float sum = 0;
  for (; i < n; ++i) sum += x[i] * y[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

class SkipGram {
 public:
  SkipGram(const EncoderInput& input, TensorView<float> rows)
      : input_(input), rows_(rows), squares_(static_cast<size_t>(rows.dim(0))) {
    const int64_t of_memory = kGradientFloats / (kRowsAWalk * width());
    const int64_t of_graph = num_nodes() / kNodesABlockedWalk;
    max_walks_ = std::clamp<int64_t>(std::min(of_memory, of_graph), 1, kMaxWalks);
    gradients_.Resize({max_walks_ * kRowsAWalk, width()});
    nodes_.resize(static_cast<size_t>(max_walks_ * kRowsAWalk));
  }

  void Begin() {
    input_.pool.ParallelFor(NumBlocks(num_nodes(), kMaxWalks), [&](int64_t block, int) {
      const BlockRange range = Block(block, num_nodes(), kMaxWalks);
      for (int64_t v = range.begin; v < range.end; ++v) {
        RandomStream random = StreamOf(v, RowDraws::kNode2vecStart);
        for (int64_t i = 0; i < width(); ++i)
          rows_.row(v)[i] = kFirstSize * static_cast<float>(random.Normal());
      }
    });
  }

  void RunEpoch() {
    const int64_t all = kWalksANode * num_nodes();
    for (int64_t first = 0; first < all; first += max_walks_) {
      Tell(input_.on_progress, "walks", ShareOf(first, all));
      const int64_t num_walks = std::min(max_walks_, all - first);
      input_.pool.ParallelFor(num_walks, [&](int64_t walk, int) {
        DrawWalk(first + walk, &nodes_[static_cast<size_t>(walk * kRowsAWalk)]);
        AddGradients(walk);
      });
      Step(num_walks * kRowsAWalk);
    }
  }

 private:
  int64_t num_nodes() const { return rows_.dim(0); }
  int64_t width() const { return rows_.dim(1); }
  RandomStream StreamOf(int64_t node, RowDraws draws, uint64_t walk = 0) const {
    return StreamOfRow(input_.seed, input_.keys[static_cast<size_t>(node)], draws, walk);
  }

  // Walks of one round begin at every node once, in an order that keeps neighbours apart.
  int64_t StartOf(int64_t walk) const {
    int64_t stride = num_nodes() / 2 + 1;
    while (std::gcd(stride, num_nodes()) != 1) ++stride;
    return static_cast<int64_t>(static_cast<unsigned __int128>(walk % num_nodes()) *
                                static_cast<uint64_t>(stride) % static_cast<uint64_t>(num_nodes()));
  }

  // The nodes of the walk, then its negative ones.
  void DrawWalk(int64_t walk, int64_t* nodes) const {
    nodes[0] = StartOf(walk);
    RandomStream random =
        StreamOf(nodes[0], RowDraws::kNode2vecWalks, static_cast<uint64_t>(walk / num_nodes()));
    for (int64_t i = 1; i < kWalkNodes; ++i)
      nodes[i] = RandomNeighbor(input_.topology, nodes[i - 1], random);
    for (int64_t i = kWalkNodes; i < kRowsAWalk; ++i)
      nodes[i] = static_cast<int64_t>(random.Below(static_cast<uint64_t>(num_nodes())));
  }

  // Writes those of the loss sum -log sigma(u.v) - log sigma(-u.n) into the rows of walk `walk` of
  // the block.
  void AddGradients(int64_t walk) {
    const int64_t first = walk * kRowsAWalk;
    const auto value = [&](int64_t i) { return rows_.row(nodes_[static_cast<size_t>(first + i)]); };
    const auto gradient = [&](int64_t i) { return gradients_.row(first + i); };
    std::fill_n(gradient(0), kRowsAWalk * width(), 0.0f);
    const auto add = [&](int64_t i, int64_t j, float slope) {
      AddScaled(slope, value(j), width(), gradient(i));
      AddScaled(slope, value(i), width(), gradient(j));
    };
    for (int64_t i = 0; i < kWindows; ++i) {
      for (int64_t j = i + 1; j < i + kContext; ++j)
        add(i, j, Sigmoid(Dot(value(i), value(j), width())) - 1);
      for (int64_t n = kWalkNodes; n < kRowsAWalk; ++n)
        add(i, n, kNegativeWeight * Sigmoid(Dot(value(i), value(n), width())));
    }
  }

  // An AdaGrad step of every node that the first num_rows gradients belong to.
  void Step(int64_t num_rows) {
    order_.resize(static_cast<size_t>(num_rows));
    std::iota(order_.begin(), order_.end(), int64_t{0});
    std::sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
      const int64_t node_a = nodes_[static_cast<size_t>(a)],
                    node_b = nodes_[static_cast<size_t>(b)];
      return node_a != node_b ? node_a < node_b : a < b;
    });
    begins_.clear();
    for (size_t i = 0; i < order_.size(); ++i)
      if (i == 0 || NodeAt(i) != NodeAt(i - 1)) begins_.push_back(i);
    begins_.push_back(order_.size());
    input_.pool.ParallelFor(static_cast<int64_t>(begins_.size()) - 1, [&](int64_t item, int) {
      StepNode(begins_[static_cast<size_t>(item)], begins_[static_cast<size_t>(item) + 1]);
    });
  }

  int64_t NodeAt(size_t i) const { return nodes_[static_cast<size_t>(order_[i])]; }

  void StepNode(size_t begin, size_t end) {
    float* sum = gradients_.row(order_[begin]);
    for (size_t i = begin + 1; i < end; ++i) AddScaled(1, gradients_.row(order_[i]), width(), sum);
    const int64_t node = NodeAt(begin);
    float& squares = squares_[static_cast<size_t>(node)];
    squares += Dot(sum, sum, width()) / static_cast<float>(width());
    AddScaled(-kLearningRate / (std::sqrt(squares) + 1e-10f), sum, width(), rows_.row(node));
  }

  const EncoderInput& input_;
  TensorView<float> rows_;      // [N, G]
  std::vector<float> squares_;  // [N]: of gradients so far, mean over the row
  int64_t max_walks_ = 1;
  std::vector<int64_t> nodes_;  // [walks, kRowsAWalk]
  Tensor<float> gradients_;     // [walks * kRowsAWalk, G]
  std::vector<int64_t> order_;  // of gradients, by node
  std::vector<size_t> begins_;  // where those of each node begin
};

}  // namespace

StepNeeds Node2VecNeeds(int64_t num_nodes, int64_t dim) {
  return StepNeeds::AllInMemory((num_nodes * (dim + 1) + kGradientFloats) * int64_t{sizeof(float)});
}

absl::Status Node2Vec(const EncoderInput& input, TensorView<float> out) {
  SkipGram skip_gram(input, out);
  skip_gram.Begin();
  skip_gram.RunEpoch();
  return absl::OkStatus();
}

}  // namespace quadhop
