// k-means by exponential moving averages (van den Oord et al., arXiv 1711.00937, appendix A.1) over
// batch-normalized queries.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "tests/reference/norms.h"

namespace quadhop::reference {

inline constexpr double kCodebookEpsilon = 1e-5;  // Laplace smoothing of cluster sizes

// Moves the codebook `name` in `state` by one batch of queries x [B, 2G]; returns the nearest
// centroid (the lowest index among equals) of each, before the move. Needs B >= 2.
//   size' = smoothed(decay size + (1 - decay) hits),  w' = decay w + (1 - decay) sum of z per
//   centroid, centroid = w' / size',  output = centroid sqrt(running_var + epsilon) + running_mean.
template <typename T>
std::vector<size_t> UpdateCodebook(Arrays<T>& state, const std::string& name, const Values<T>& x,
                                   double ema_decay) {
  const Values<T> z = BatchNormalize<T>(name + ".bn").Forward(state, x, Mode::kTraining);
  Values<T>& centroids = Get(state, name + "._embedding").values;
  Values<T>& output = Get(state, name + "._embedding_output").values;
  Values<T>& size = Get(state, name + "._ema_cluster_size").values;
  Values<T>& w = Get(state, name + "._ema_w").values;
  const size_t num_centroids = size.size(), width = centroids.size() / num_centroids;

  std::vector<size_t> nearest(x.size() / width);
  Values<T> hits(num_centroids, T{0}), sums(centroids.size(), T{0});
  for (size_t b = 0; b < nearest.size(); ++b) {
    T best = 0;
    for (size_t m = 0; m < num_centroids; ++m) {
      T distance = 0;
      for (size_t i = 0; i < width; ++i) {
        const T difference = z[b * width + i] - centroids[m * width + i];
        distance += difference * difference;
      }
      if (m == 0 || distance < best) {
        best = distance;
        nearest[b] = m;
      }
    }
    hits[nearest[b]] += T{1};
    for (size_t i = 0; i < width; ++i) sums[nearest[b] * width + i] += z[b * width + i];
  }

  const T keep = static_cast<T>(ema_decay), take = T{1} - keep;
  const T epsilon = static_cast<T>(kCodebookEpsilon);
  T total = 0;
  for (size_t m = 0; m < num_centroids; ++m) total += size[m] = keep * size[m] + take * hits[m];
  const Values<T>& running_mean = Get(state, name + ".bn.running_mean").values;
  const Values<T>& running_var = Get(state, name + ".bn.running_var").values;
  for (size_t m = 0; m < num_centroids; ++m) {
    size[m] = (size[m] + epsilon) / (total + static_cast<T>(num_centroids) * epsilon) * total;
    for (size_t i = 0; i < width; ++i) {
      const size_t at = m * width + i;
      w[at] = keep * w[at] + take * sums[at];
      centroids[at] = w[at] / size[m];
      output[at] = centroids[at] * std::sqrt(running_var[i] + epsilon) + running_mean[i];
    }
  }
  return nearest;
}

}  // namespace quadhop::reference
