#include "launch/session/class_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::IsEmpty;

class ClassWeightsTest : public testing::Test {
 protected:
  static TrainConfig Balanced() {
    TrainConfig config;
    config.set_class_weights(TrainConfig::BALANCED);
    return config;
  }
  std::unique_ptr<Store> MakeStore(bool multi_label) const {
    TinyStoreOptions options;
    options.multi_label = multi_label;
    EXPECT_OK(WriteTinyStore(folder_ / "s", options));
    return Store::Open(folder_ / "s").value();
  }
  TempDir folder_;
};

TEST_F(ClassWeightsTest, AreNoneIfUniform) {
  for (const bool multi_label : {false, true})
    EXPECT_THAT(*ClassWeights(TrainConfig(), *MakeStore(multi_label), ""), IsEmpty());
}

TEST_F(ClassWeightsTest, AreTheShareOfAMeanClassByThatOfTheClass) {
  // 7 of 12 nodes train: 2 are of class 0, 3 of class 1, 2 of class 2.
  EXPECT_THAT(*ClassWeights(Balanced(), *MakeStore(false), "a"),
              ElementsAre(FloatEq(7.0F / 6), FloatEq(7.0F / 9), FloatEq(7.0F / 6)));
}

TEST_F(ClassWeightsTest, OfLabelsAreZerosByOnes) {
  // The first two are 1 for 2 of those 7 nodes, the last for all.
  EXPECT_THAT(*ClassWeights(Balanced(), *MakeStore(true), "a"), ElementsAre(2.5F, 2.5F, 1));
}

}  // namespace
}  // namespace quadhop
