// Rows that a GPU gathers against those that the host does. On a GPU, or on the stand-in of
// tests/cuda_on_host.
#include "sampler/cuda/row_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "sampler/features/feature_source.h"
#include "tests/support/status_matchers.h"

namespace quadhop::cuda {
namespace {

constexpr int64_t kNodes = 200;

// Random rows of any dtype, and what owns them.
struct Rows {
  Rows(DType dtype, int64_t hops_and_self, int64_t width) {
    RandomStream random(3, RandomPurpose::kTest, 0, 0);
    std::vector<float> values(static_cast<size_t>(kNodes * hops_and_self * width));
    for (float& value : values) value = static_cast<float>(random.Normal());
    bytes.resize(values.size() * static_cast<size_t>(SizeOfDType(dtype)));
    ConvertFromFloat(dtype, values.data(), static_cast<int64_t>(values.size()), bytes.data());
    table = {dtype, bytes.data(), kNodes, hops_and_self, width};
  }
  std::vector<uint8_t> bytes;
  FeatureTable table;
};

// Some nodes more than once, in no order.
std::vector<GlobalId> SomeNodes() {
  std::vector<GlobalId> nodes;
  for (int64_t i = 0; i < 77; ++i) nodes.emplace_back(i * i * 31 % kNodes);
  nodes.emplace_back(0);
  nodes.emplace_back(kNodes - 1);
  return nodes;
}

std::vector<float> ByTheHost(const FeatureTable& table, const std::vector<GlobalId>& nodes) {
  ThreadPool pool(1);
  const auto source = MakeMappedFeatureSource(table);
  Tensor<float> out({static_cast<int64_t>(nodes.size()), source->hops_and_self(), source->width()});
  EXPECT_OK(source->Gather(nodes, out.view(), pool));
  return {out.data(), out.data() + out.size()};
}

std::vector<float> ByTheGpu(Device& device, const RowTable& rows, int64_t row_size,
                            const std::vector<GlobalId>& nodes) {
  const auto num_nodes = static_cast<int64_t>(nodes.size());
  Buffer<GlobalId> ids(device, num_nodes);
  Buffer<float> out(device, num_nodes * row_size);
  device.Upload(nodes.data(), nodes.size() * sizeof(GlobalId), ids.data());
  rows.Gather(device, ids.data(), num_nodes, out.data());
  std::vector<float> values(static_cast<size_t>(num_nodes * row_size));
  device.Download(out.data(), values.size() * sizeof(float), values.data());
  EXPECT_OK(device.status());
  return values;
}

class RowTableTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    auto opened = Device::Open(0);
    ASSERT_OK(opened);
    device_ = *std::move(opened);
  }
  // Rows of an even number of values, of an odd one, of one, and of more than a warp reads.
  void ForEachShape(const std::function<void(const FeatureTable&)>& check) {
    for (const auto& [hops_and_self, width] :
         {std::pair<int64_t, int64_t>{3, 4}, {3, 5}, {1, 1}, {3, 100}})
      check(Rows(GetParam(), hops_and_self, width).table);
  }
  std::unique_ptr<Device> device_;
};

TEST_P(RowTableTest, GathersRowsOfTheDevice) {
  ThreadPool pool(2);
  ForEachShape([&](const FeatureTable& table) {
    const auto rows = RowTable::OnDevice(*device_, table, pool);
    ASSERT_OK(rows);
    EXPECT_EQ(ByTheGpu(*device_, *rows, table.row_size(), SomeNodes()),
              ByTheHost(table, SomeNodes()));
  });
}

TEST_P(RowTableTest, GathersHotRowsOfTheDeviceAndOthersOfTheHost) {
  std::vector<GlobalId> hot;
  for (int64_t v = 0; v < kNodes; v += 3) hot.emplace_back(kNodes - 1 - v);
  ThreadPool pool(2);
  for (const std::vector<GlobalId>& set : {hot, std::vector<GlobalId>()})
    ForEachShape([&](const FeatureTable& table) {
      const auto rows = RowTable::WithHotSet(*device_, table, set, pool);
      ASSERT_OK(rows);
      EXPECT_EQ(ByTheGpu(*device_, *rows, table.row_size(), SomeNodes()),
                ByTheHost(table, SomeNodes()));
    });
}

TEST_P(RowTableTest, GathersNoRows) {
  const Rows rows(GetParam(), 3, 4);
  ThreadPool pool(2);
  const auto table = RowTable::OnDevice(*device_, rows.table, pool);
  ASSERT_OK(table);
  EXPECT_TRUE(ByTheGpu(*device_, *table, rows.table.row_size(), {}).empty());
}

INSTANTIATE_TEST_SUITE_P(DTypes, RowTableTest,
                         ::testing::Values(DType::kF32, DType::kF16, DType::kBF16),
                         [](const auto& dtype) { return std::string(DTypeName(dtype.param)); });

}  // namespace
}  // namespace quadhop::cuda
