// Batches whose feature rows the device gathers. On a GPU, or on the stand-in of
// tests/cuda_on_host.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/cuda/cuda_device.h"
#include "model/kernels/batch_arrays.h"
#include "sampler/cuda/device_rows_cuda.h"
#include "tests/sampler/loader_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

constexpr int64_t kRowBytes = kHopsAndSelf * kWidth * sizeof(float);
constexpr int64_t kAllBytes = int64_t{1} << 30;  // of the device: for all rows
constexpr int64_t kHotBytes = kNodes * sizeof(int32_t) + 3 * kRowBytes;  // for three of them

// The batches' features as kernels get them.
std::vector<std::vector<float>> FeaturesOnDevice(const LoaderInputs& inputs) {
  std::vector<std::vector<float>> all;
  auto device = cuda::Device::Open(0);
  auto loader = BatchLoader::Create(inputs, Options(7));
  EXPECT_OK(device);
  EXPECT_OK(loader);
  BatchArrays arrays;
  for (const Pass& pass : {Train(1, 64), Evaluate({SplitPart::kValid}, 64)}) {
    EXPECT_OK((*loader)->Start(pass));
    for (;;) {
      const auto batch = (*loader)->Next();
      EXPECT_OK(batch);
      if (!batch.ok() || *batch == nullptr) break;
      EXPECT_EQ((*batch)->features.empty(), inputs.device_rows != nullptr);
      arrays.Take(**device, **batch);
      EXPECT_EQ(arrays.features().dim(1), kHopsAndSelf);
      EXPECT_EQ(arrays.features().dim(2), kWidth);
      std::vector<float>& features = all.emplace_back(arrays.features().size());
      (*device)->Download(arrays.features().data(), features.size() * sizeof(float),
                          features.data());
      EXPECT_OK((*device)->status());
    }
  }
  return all;
}

TEST(DeviceRows, GiveTheFeaturesThatTheHostGathers) {
  const Fixture fixture;
  ThreadPool pool(2);
  const FeatureTable table = {DType::kF32, fixture.rows.data(), kNodes, kHopsAndSelf, kWidth};
  const std::vector<std::vector<float>> expected = FeaturesOnDevice(fixture.Inputs());
  ASSERT_GT(expected.size(), 2u);
  int64_t asked_for = -1;
  const auto hottest = [&](int64_t max_rows) {
    asked_for = max_rows;
    return std::vector<GlobalId>{GlobalId(3), GlobalId(kNodes - 1), GlobalId(0)};
  };
  for (const int64_t device_bytes : {kAllBytes, kHotBytes}) {
    const auto source = MakeCudaDeviceRows(table, /*local_rank=*/0, device_bytes, hottest, pool);
    ASSERT_OK(source);
    LoaderInputs inputs = fixture.Inputs();
    inputs.device_rows = source->get();
    EXPECT_EQ(FeaturesOnDevice(inputs), expected) << device_bytes;
  }
  EXPECT_EQ(asked_for, 3);
}

TEST(DeviceRows, AreNotReadFromTheHostWhereThatIsForbidden) {
  const Fixture fixture;
  ThreadPool pool(2);
  const FeatureTable table = {DType::kF32, fixture.rows.data(), kNodes, kHopsAndSelf, kWidth};
  const auto forbid = [](int64_t) { return absl::ResourceExhaustedError("no memory to lock"); };
  EXPECT_OK(MakeCudaDeviceRows(table, /*local_rank=*/0, kAllBytes, forbid, pool));
  EXPECT_EQ(MakeCudaDeviceRows(table, /*local_rank=*/0, kHotBytes, forbid, pool).status(),
            forbid(0));
}

}  // namespace
}  // namespace quadhop
