// Steps from recordings, on a GPU or its stand-in.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/cuda/cuda_device.h"
#include "tests/model/cuda/recorded_training.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

TEST(RecordedSteps, AreEqualInEveryDigitToQueuedOnes) {
  for (const LargeGTOptions& options : RecordedModels()) {
    SCOPED_TRACE(static_cast<int>(options.conv));
    EXPECT_EQ(TrainWithRecordings(options, /*cuda_graphs=*/true),
              TrainWithRecordings(options, /*cuda_graphs=*/false));
  }
}

// As a sampler does: it takes memory, copies, and waits.
TEST(RecordedSteps, AreEqualWhileAnotherThreadUsesTheDevice) {
  const LargeGTOptions options = RecordedModels().front();
  const RecordedTraining queued = TrainWithRecordings(options, /*cuda_graphs=*/false);
  std::atomic<bool> stop = false;
  absl::Status other_status;
  std::thread other([&] {
    const auto device = cuda::Device::Open(/*local_rank=*/0);
    other_status = device.status();
    while (other_status.ok() && !stop) {
      const cuda::Buffer<int64_t> buffer(**device, 1000);
      const std::vector<int64_t> values(1000, 7);
      (*device)->Upload(values.data(), 1000 * sizeof(int64_t), buffer.data());
      other_status = (*device)->Synchronize();
    }
  });
  EXPECT_EQ(TrainWithRecordings(options, /*cuda_graphs=*/true), queued);
  stop = true;
  other.join();
  EXPECT_OK(other_status);
}

}  // namespace
}  // namespace quadhop
