#include "tests/reference/codebook.h"

#include <gtest/gtest.h>

#include <cmath>

namespace quadhop::reference {
namespace {

Arrays<double> TwoCentroids(const Values<double>& centroids) {
  return {{"vq._embedding", {{2, 1}, centroids}},  {"vq._embedding_output", {{2, 1}, {0, 0}}},
          {"vq._ema_cluster_size", {{2}, {1, 3}}}, {"vq._ema_w", {{2, 1}, {-1, 3}}},
          {"vq.bn.running_mean", {{1}, {0}}},      {"vq.bn.running_var", {{1}, {1}}},
          {"vq.bn.num_batches_tracked", {{}, {0}}}};
}

TEST(ReferenceCodebook, MovesAsTheFormulasByHand) {
  Arrays<double> state = TwoCentroids({-1, 1});
  // Mean 4, variance 4: z = -+1 but for the epsilon of the norm.
  const std::vector<size_t> nearest = UpdateCodebook<double>(state, "vq", {2, 6, 6, 2}, 0.9);
  EXPECT_EQ(nearest, (std::vector<size_t>{0, 1, 1, 0}));
  const double z = 2 / std::sqrt(4 + 1e-5);
  const double size0 = 0.9 * 1 + 0.1 * 2, size1 = 0.9 * 3 + 0.1 * 2, total = size0 + size1;
  const double smooth0 = (size0 + 1e-5) / (total + 2e-5) * total;
  EXPECT_NEAR(state["vq._ema_cluster_size"].values[0], smooth0, 1e-14);
  EXPECT_NEAR(state["vq._ema_w"].values[1], 0.9 * 3 + 0.1 * 2 * z, 1e-14);
  const double centroid0 = (0.9 * -1 - 0.1 * 2 * z) / smooth0;
  EXPECT_NEAR(state["vq._embedding"].values[0], centroid0, 1e-14);
  const double variance = 0.9 * 1 + 0.1 * (16.0 / 3), mean = 0.1 * 4;
  EXPECT_NEAR(state["vq._embedding_output"].values[0],
              centroid0 * std::sqrt(variance + 1e-5) + mean, 1e-14);
  EXPECT_EQ(state["vq.bn.num_batches_tracked"].values[0], 1);
}

TEST(ReferenceCodebook, ATieGoesToTheLowestIndex) {
  Arrays<double> state = TwoCentroids({0.5, 0.5});
  EXPECT_EQ(UpdateCodebook<double>(state, "vq", {1, 2}, 0.9), (std::vector<size_t>{0, 0}));
}

}  // namespace
}  // namespace quadhop::reference
