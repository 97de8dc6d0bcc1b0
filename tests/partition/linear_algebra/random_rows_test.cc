#include "partition/linear_algebra/random_rows.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace quadhop {
namespace {

TEST(RandomRows, OfEveryPurposeDiffer) {
  std::set<uint64_t> first;
  int streams = 0;
  for (const RowDraws draws :
       {RowDraws::kFastRp, RowDraws::kSvd, RowDraws::kProjection, RowDraws::kLaplacian,
        RowDraws::kLinkAuc, RowDraws::kNode2vecStart, RowDraws::kReturns}) {
    first.insert(StreamOfRow(1, 5, draws).Next64());
    ++streams;
  }
  for (uint64_t walk = 0; walk < kMostNode2vecWalks; ++walk, ++streams)
    first.insert(StreamOfRow(1, 5, RowDraws::kNode2vecWalks, walk).Next64());
  EXPECT_EQ(first.size(), streams);
}

TEST(RandomRows, BelongToTheirKeysWhereverTheRowsStandAndHoweverTheyAreCut) {
  ThreadPool pool(2);
  const std::vector<int64_t> keys = {7, 3, 1000}, turned = {1000, 7, 3};
  Tensor<float> x({3, 8}), y({3, 5});
  FillNormals(keys, 1, RowDraws::kSvd, 0, x.view(), pool);
  FillNormals(turned, 1, RowDraws::kSvd, 3, y.view(), pool);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(y.row(0)[i], x.row(2)[3 + i]);
    EXPECT_EQ(y.row(1)[i], x.row(0)[3 + i]);
    EXPECT_EQ(y.row(2)[i], x.row(1)[3 + i]);
  }
  EXPECT_NE(x.row(0)[0], x.row(1)[0]);
}

}  // namespace
}  // namespace quadhop
