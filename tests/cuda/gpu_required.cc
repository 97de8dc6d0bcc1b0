// Linked with tests that all need a GPU: without one, they are skipped by name.
#include <gtest/gtest.h>

#include "core/cuda/cuda_device.h"

namespace quadhop {
namespace {

class GpuRequired : public ::testing::Environment {
  void SetUp() override {
    if (cuda::NumVisibleDevices() == 0) GTEST_SKIP() << "needs a GPU";
  }
};

const auto* const kGpuRequired = ::testing::AddGlobalTestEnvironment(new GpuRequired);

}  // namespace
}  // namespace quadhop
