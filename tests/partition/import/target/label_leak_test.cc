#include "partition/import/target/label_leak.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/arrays/tensor.h"
#include "core/store/store.h"

namespace quadhop {
namespace {

// Column 0 is the node's number, column 1 has two values, column 2 is 10 - 3 * label.
int64_t ColumnFor(const std::vector<int32_t>& labels) {
  const auto num_nodes = static_cast<int64_t>(labels.size());
  Tensor<float> x({num_nodes, 3});
  for (int64_t v = 0; v < num_nodes; ++v) {
    x.row(v)[0] = static_cast<float>(v);
    x.row(v)[1] = static_cast<float>(v % 2);
    x.row(v)[2] = static_cast<float>(10 - 3 * labels[static_cast<size_t>(v)]);
  }
  return ColumnOfLabels(x.cview(), labels);
}

TEST(LabelLeak, IsAColumnWithAValueOfItsOwnForEachClass) {
  std::vector<int32_t> labels(60);
  for (size_t v = 0; v < labels.size(); ++v) labels[v] = static_cast<int32_t>(v % 3);
  EXPECT_EQ(ColumnFor(labels), 2);
  labels[7] = kUnlabelled;  // whose value is another
  EXPECT_EQ(ColumnFor(labels), 2);
}

TEST(LabelLeak, IsNoColumnThatTellsClassesApartOnlyInPart) {
  Tensor<float> x({60, 1});
  std::vector<int32_t> labels(60);
  for (size_t v = 0; v < labels.size(); ++v) {
    labels[v] = static_cast<int32_t>(v % 3);
    x[static_cast<int64_t>(v)] = labels[v] == 0 ? 0.0f : 1.0f;  // of two classes
  }
  EXPECT_EQ(ColumnOfLabels(x.cview(), labels), -1);
  for (size_t v = 0; v < labels.size(); ++v)
    x[static_cast<int64_t>(v)] = static_cast<float>(labels[v]);
  EXPECT_EQ(ColumnOfLabels(x.cview(), labels), 0);
  x[59] = 0;  // as of another class
  EXPECT_EQ(ColumnOfLabels(x.cview(), labels), -1);
}

TEST(LabelLeak, IsAColumnWithSeveralValuesForAClassButNotWithMany) {
  Tensor<float> x({60, 1});
  std::vector<int32_t> labels(60);
  for (size_t v = 0; v < labels.size(); ++v) {
    labels[v] = static_cast<int32_t>(v % 3);
    x[static_cast<int64_t>(v)] = static_cast<float>(5 - v % 6);
  }
  EXPECT_EQ(ColumnOfLabels(x.cview(), labels), 0);
  x[0] = 7;
  EXPECT_EQ(ColumnOfLabels(x.cview(), labels), -1);
}

TEST(LabelLeak, IsNoColumnWhoseValuesHardlyRepeat) {
  std::vector<int32_t> labels(60);  // 40 classes, as of measurements taken for labels
  for (size_t v = 0; v < labels.size(); ++v) labels[v] = static_cast<int32_t>(v % 40);
  labels[0] = labels[20] = 1;  // so that column 2 has 39 values
  EXPECT_EQ(ColumnFor(labels), -1);
}

TEST(LabelLeak, IsNoneForFewNodesOrASingleClass) {
  EXPECT_EQ(ColumnFor(std::vector<int32_t>(60, 1)), -1);
  std::vector<int32_t> labels(49);
  for (size_t v = 0; v < labels.size(); ++v) labels[v] = static_cast<int32_t>(v % 3);
  EXPECT_EQ(ColumnFor(labels), -1);
}

}  // namespace
}  // namespace quadhop
