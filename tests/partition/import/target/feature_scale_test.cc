#include "partition/import/target/feature_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/arrays/tensor.h"
#include "core/base/rng.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Normal values, of which column 2 is scaled and moved.
std::string NoteFor(double scale, double offset, int64_t rows = 30000) {
  Tensor<float> x({rows, 5});
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (int64_t v = 0; v < rows; ++v)
    for (int64_t j = 0; j < 5; ++j)
      x.row(v)[j] = static_cast<float>(j == 2 ? offset + scale * random.Normal() : random.Normal());
  return NoteOnScale(x.cview());
}

TEST(FeatureScale, NamesAColumnThatDwarfsTheOthers) {
  EXPECT_THAT(NoteFor(1e5, 0),
              AllOf(HasSubstr("1 of 5 features"), HasSubstr("feature 2 counted from 0")));
  EXPECT_THAT(NoteFor(1, 1.5e9, 3), HasSubstr("feature 2 counted from 0 (mean 1.5e+09"));
  EXPECT_NE(NoteFor(5, 2010), "");  // a year
  EXPECT_THAT(NoteFor(150, 0), HasSubstr("1 of 5 features"));
}

TEST(FeatureScale, NamesTwoColumnsOfThoseThatDwarfTheOthers) {
  Tensor<float> x({1000, 6});
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (int64_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>((i % 6 == 2 ? 500 : i % 6 == 4 ? 5000 : 1) * random.Normal());
  EXPECT_THAT(NoteOnScale(x.cview()),
              AllOf(HasSubstr("2 of 6 features, such as feature 2 counted from 0 (mean"),
                    HasSubstr(") and feature 4 counted from 0 (mean")));
}

TEST(FeatureScale, NamesColumnsThatHardlyChangeBesideTheirMean) {
  Tensor<float> x({1000, 2});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = 1e6f + static_cast<float>(i % 7);
  EXPECT_THAT(NoteOnScale(x.cview()), HasSubstr("2 of 2"));
}

TEST(FeatureScale, NamesColumnsWhoseSquaresAreTooLarge) {
  Tensor<float> x({1000, 2});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7 - 3) * 1e20f;
  EXPECT_THAT(NoteOnScale(x.cview()), HasSubstr("2 of 2"));
}

TEST(FeatureScale, SaysThatAllAreSmall) {
  Tensor<float> x({1000, 2});
  x.Fill(1e-4f);
  EXPECT_THAT(NoteOnScale(x.cview()),
              HasSubstr("small: the features of a node, together, have length 0.00014"));
}

TEST(FeatureScale, KnowsThatAllNodesHaveTheSame) {
  Tensor<float> x({30000, 2});
  for (int64_t v = 0; v < 30000; ++v) x.row(v)[1] = 7;
  EXPECT_TRUE(AreTheSameForAll(x.cview()));
  x.row(29999)[0] = 1;
  EXPECT_FALSE(AreTheSameForAll(x.cview()));
  EXPECT_FALSE(AreTheSameForAll(Tensor<float>({1, 2}).cview()));
}

TEST(FeatureScale, HasNothingToSayOfUsualFeatures) {
  EXPECT_EQ(NoteFor(1, 0), "");
  EXPECT_EQ(NoteFor(50, 50), "");
  for (const double constant : {0.1, 0.3, 1.0, 7.3}) EXPECT_EQ(NoteFor(0, constant), "");
  EXPECT_EQ(NoteOnScale(Tensor<float>({100, 3}).cview()), "") << "zeros";
  Tensor<float> words({10000, 100});  // rarer ones to the right
  for (int64_t v = 0; v < 10000; ++v)
    for (int64_t j = 0; j < 100; ++j) words.row(v)[j] = v % (int64_t{1} << (j / 10)) == 0 ? 1 : 0;
  EXPECT_EQ(NoteOnScale(words.cview()), "");
}

}  // namespace
}  // namespace quadhop
