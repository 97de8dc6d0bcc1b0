// Sums over partitions in a device's memory, made behind what computes the summands.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "comm/collectives/staged_communicator.h"
#include "comm/cuda/row_adder_cuda.h"
#include "comm/sums/background_sum.h"
#include "core/cuda/cuda_device.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using cuda::Buffer;
using cuda::Device;

float Summand(int32_t partition, int64_t i) {
  return static_cast<float>((partition + 1) * (i % 7));
}

// One sum is short enough for one trip between ranks, one takes two, and the ranks that have two
// partial sums pack them.
TEST(DeviceSums, NeedNoWaitOfTheHost) {
  const PartitionOwners owners{{0, 3, 4}};
  RunRanks(owners.num_ranks(), [&](Communicator& host) {
    ASSERT_OK_AND_ASSIGN(const auto device, Device::Open(0));
    const std::unique_ptr<RowAdder> adder = cuda::MakeRowAdder(*device);
    ASSERT_OK_AND_ASSIGN(const auto comm, MakeStagedCommunicator(host, *device));
    ASSERT_OK_AND_ASSIGN(
        const auto background,
        BackgroundSum::Create(*comm, owners, Reduction::kReproducible, adder.get()));
    for (const int64_t n : {5, 100'003}) {
      std::vector<float> values;
      for (int32_t p = owners.first[static_cast<size_t>(host.rank().value())];
           p < owners.first[static_cast<size_t>(host.rank().value()) + 1]; ++p)
        for (int64_t i = 0; i < n; ++i) values.push_back(Summand(p, i));
      const size_t bytes = values.size() * sizeof(float);
      const Buffer<float> summands(*device, static_cast<int64_t>(values.size())), sum(*device, n);
      device->UploadAsync(values.data(), bytes, summands.data());
      background->Submit("sum", {summands.data(), values.size()},
                         {sum.data(), static_cast<size_t>(n)});
      ASSERT_OK(background->Wait());
      std::vector<float> actual(static_cast<size_t>(n));
      device->Download(sum.data(), actual.size() * sizeof(float), actual.data());
      for (int64_t i = 0; i < n; ++i)
        ASSERT_EQ(actual[static_cast<size_t>(i)], Summand(9, i)) << n << " values, " << i;
    }
  });
}

}  // namespace
}  // namespace quadhop
