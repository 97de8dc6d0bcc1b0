#include "partition/encodings/link_auc.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/rng.h"
#include "partition/encodings/random_walk.h"
#include "partition/linear_algebra/random_rows.h"

namespace quadhop {
namespace {

constexpr int kPairs = 1 << 14;

double Cosine(const float* x, const float* y, int64_t n) {
  double xy = 0, xx = 0, yy = 0;
  for (int64_t i = 0; i < n; ++i) {
    xy += double{x[i]} * double{y[i]};
    xx += double{x[i]} * double{x[i]};
    yy += double{y[i]} * double{y[i]};
  }
  return xx * yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace

double LinkAuc(const Topology& topology, TensorView<const float> rows, uint64_t seed) {
  if (topology.num_arcs() == 0) return 0.5;
  RandomStream random = StreamOfRow(seed, 0, RowDraws::kLinkAuc);
  const auto cosine = [&](int64_t u, int64_t v) {
    return Cosine(rows.row(u), rows.row(v), rows.dim(1));
  };
  const auto random_node = [&] {
    return static_cast<int64_t>(random.Below(static_cast<uint64_t>(topology.num_nodes())));
  };
  std::vector<double> of_arcs, of_pairs;
  for (int i = 0; i < kPairs; ++i) {
    const auto arc = static_cast<int64_t>(random.Below(static_cast<uint64_t>(topology.num_arcs())));
    const int64_t source = std::upper_bound(topology.indptr.begin(), topology.indptr.end(), arc) -
                           topology.indptr.begin() - 1;
    const int64_t first = topology.indptr[static_cast<size_t>(source)];
    of_arcs.push_back(
        cosine(source, Neighbor(topology, source, static_cast<uint64_t>(arc - first))));
    const int64_t u = random_node(), v = random_node();
    of_pairs.push_back(cosine(u, v));
  }
  std::sort(of_pairs.begin(), of_pairs.end());
  double wins = 0;
  for (const double value : of_arcs) {
    const auto [low, high] = std::equal_range(of_pairs.begin(), of_pairs.end(), value);
    wins += 0.5 * static_cast<double>((low - of_pairs.begin()) + (high - of_pairs.begin()));
  }
  return wins / kPairs / kPairs;
}

}  // namespace quadhop
