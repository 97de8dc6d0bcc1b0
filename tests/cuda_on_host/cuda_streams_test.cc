// When the stand-in does what is queued on streams, and what it records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/cuda/cuda_device.h"
#include "cuda_runtime.h"
#include "model/cuda/products_cuda.h"
#include "tests/support/status_matchers.h"

namespace quadhop::cuda {
namespace {

void AddKernel(const float* from, float* to) {
  if (threadIdx.x == 0) *to += *from;
}

// Two streams on one device's memory.
class Streams : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(first_, Device::Open(0));
    ASSERT_OK_AND_ASSIGN(second_, first_->NewDeviceStream());
  }

  static void Add(Device& on, const Buffer<float>& from, const Buffer<float>& to) {
    on.Launch(AddKernel, {1, 32}, from.data(), to.data());
  }
  static void Set(Device& on, const float& host, const Buffer<float>& to) {
    on.UploadAsync(&host, sizeof(host), to.data());
  }
  static float Get(Device& on, const Buffer<float>& from) {
    float value = 0;
    on.Download(from.data(), sizeof(value), &value);
    return value;
  }
  // Whose memory is there for both.
  Buffer<float> Number() {
    Buffer<float> number(*first_, 1);
    EXPECT_OK(first_->Synchronize());
    return number;
  }

  std::unique_ptr<Device> first_, second_;
};

TEST_F(Streams, DoNothingBeforeTheHostWaits) {
  const Buffer<float> number = Number();
  std::vector<float> value = {1};
  Set(*first_, value[0], number);
  Add(*first_, number, number);
  value[0] = 2;  // where UploadAsync promises that it stays as it is
  EXPECT_EQ(Get(*first_, number), 4);
}

TEST_F(Streams, DoNothingForOneThatDoesNotWaitForThem) {
  const Buffer<float> number = Number();
  const float one = 1, two = 2;
  Set(*first_, one, number);
  EXPECT_OK(first_->Synchronize());
  Set(*first_, two, number);
  EXPECT_EQ(Get(*second_, number), one);
  EXPECT_EQ(Get(*first_, number), two);
}

TEST_F(Streams, DoWhatWasQueuedBeforeAnEventAndNoMore) {
  const Buffer<float> number = Number();
  const float one = 1;
  Set(*first_, one, number);
  Add(*first_, number, number);
  std::unique_ptr<Memory::Event> event = first_->RecordEvent();
  Add(*first_, number, number);
  second_->WaitFor(event.get());
  event.reset();  // what waits for it goes on to
  EXPECT_EQ(Get(*second_, number), 2);
  EXPECT_EQ(Get(*first_, number), 4);
}

TEST_F(Streams, WaitForOneAnotherInTurn) {
  const Buffer<float> number = Number();
  const float one = 1;
  Set(*first_, one, number);
  for (Device* from = first_.get(); const int step : {1, 2, 3, 4}) {
    Device* const to = step % 2 == 1 ? second_.get() : first_.get();
    to->WaitFor(from->RecordEvent().get());
    Add(*to, number, number);
    from = to;
  }
  EXPECT_EQ(Get(*first_, number), 16);
}

TEST_F(Streams, WaitForAnEventAsItIsWhenTheyAreTold) {
  const Buffer<float> number = Number();
  const float one = 1, two = 2;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
  Set(*first_, one, number);
  ASSERT_EQ(cudaStreamWaitEvent(second_->stream(), event, 0), cudaSuccess);  // not recorded
  EXPECT_NE(Get(*second_, number), one);
  ASSERT_EQ(cudaEventRecord(event, first_->stream()), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(second_->stream(), event, 0), cudaSuccess);
  Set(*first_, two, number);
  ASSERT_EQ(cudaEventRecord(event, first_->stream()), cudaSuccess);
  EXPECT_EQ(Get(*second_, number), one);
  ASSERT_EQ(cudaStreamWaitEvent(second_->stream(), event, 0), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(Get(*second_, number), two);
}

TEST_F(Streams, MemoryIsTakenAgainOnlyWhenItsTurnToBeFreedHasCome) {
  const Buffer<float> kept = Number();  // else all is given back
  float* freed = nullptr;
  {
    const Buffer<float> number = Number();
    freed = number.data();
    Add(*first_, kept, number);
  }
  {
    const Buffer<float> other(*second_, 1);
    EXPECT_OK(second_->Synchronize());
    EXPECT_NE(other.data(), freed);
  }
  EXPECT_OK(first_->Synchronize());
  const Buffer<float> again(*first_, 1);
  EXPECT_EQ(again.data(), freed);
  EXPECT_NE(Get(*first_, again), Get(*first_, again)) << "it is NaN";
}

using StreamsDeathTest = Streams;

TEST_F(StreamsDeathTest, WriteToMemoryThatAnotherHasNotTakenYet) {
  const float one = 1;
  EXPECT_DEATH(
      {
        const Buffer<float> number(*first_, 1);
        Set(*second_, one, number);
        static_cast<void>(second_->Synchronize());
        static_cast<void>(first_->Synchronize());
      },
      "memory was written before it was taken");
}

TEST_F(StreamsDeathTest, WaitForOtherRanksThroughAnEvent) {
  bool come = false;
  cuda_on_host::Queue(second_->stream(), [&] { return come; });
  first_->WaitFor(second_->RecordEvent().get());
  EXPECT_EQ(cudaStreamQuery(first_->stream()), cudaErrorNotReady);
  EXPECT_DEATH(static_cast<void>(first_->Synchronize()), "a wait without a deadline");
  come = true;
  EXPECT_OK(first_->Synchronize());
}

// What two streams do with a number, one after the other.
class Recordings : public Streams {
 protected:
  // *number *= 4, by way of memory of its own.
  absl::Status Quadruple(const Buffer<float>& number) {
    const Buffer<float> twice(*first_, 1);
    first_->CopyRows(number.data(), 4, twice.data(), 4, 1, 4);
    Add(*first_, number, twice);
    second_->WaitForAll(*first_);
    Add(*second_, twice, twice);
    first_->WaitForAll(*second_);
    first_->CopyRows(twice.data(), 4, number.data(), 4, 1, 4);
    return absl::OkStatus();
  }
};
using RecordingsDeathTest = Recordings;

TEST_F(Recordings, DoNothingUntilTheyAreReplayed) {
  const Buffer<float> number = Number();
  const float one = 1;
  Set(*first_, one, number);
  ASSERT_OK_AND_ASSIGN(const auto recording, first_->Record([&] { return Quadruple(number); }));
  EXPECT_EQ(Get(*first_, number), 1);
  recording->Replay();
  EXPECT_EQ(Get(*first_, number), 4);
  recording->Replay();
  recording->Replay();
  EXPECT_EQ(Get(*first_, number), 64);
}

TEST_F(Recordings, AreReplayedInOrderWithOtherWork) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const cuda_on_host::StreamsAtRandom at_random(seed);
    const Buffer<float> number = Number();
    const float one = 1;
    Set(*first_, one, number);
    ASSERT_OK_AND_ASSIGN(auto recording, first_->Record([&] { return Quadruple(number); }));
    recording->Replay();
    Add(*first_, number, number);
    second_->WaitForAll(*first_);
    Add(*second_, number, number);
    first_->WaitForAll(*second_);
    recording->Replay();
    recording.reset();  // what is queued of it goes on to
    EXPECT_EQ(Get(*first_, number), 64) << seed;
  }
}

TEST_F(Recordings, FailAsWhatTheyRecordDoes) {
  const Buffer<float> number = Number();
  EXPECT_THAT(first_->Record([&] {
    static_cast<void>(Quadruple(number));
    return absl::OutOfRangeError("as told");
  }),
              StatusIs(absl::StatusCode::kOutOfRange, testing::HasSubstr("as told")));
}

TEST_F(RecordingsDeathTest, LeaveNothingThatIsNotWaitedFor) {
  const Buffer<float> number = Number();
  EXPECT_DEATH(static_cast<void>(first_->Record([&] {
                 second_->WaitForAll(*first_);
                 Add(*second_, number, number);
                 return absl::OkStatus();
               })),
               "before all that was captured is waited for");
}

TEST_F(RecordingsDeathTest, DoNotWaitForTheDevice) {
  const Buffer<float> number = Number();
  EXPECT_DEATH(static_cast<void>(first_->Record([&] {
                 static_cast<void>(Get(*first_, number));
                 return absl::OkStatus();
               })),
               "a stream is waited for that is captured");
}

TEST_F(RecordingsDeathTest, DoNotWaitForWhatWasQueuedBefore) {
  const Buffer<float> number = Number();
  const std::unique_ptr<Memory::Event> before = second_->RecordEvent();
  EXPECT_DEATH(static_cast<void>(first_->Record([&] {
                 first_->WaitFor(before.get());
                 return absl::OkStatus();
               })),
               "waits for an event of no capture");
}

TEST_F(RecordingsDeathTest, FreeWhatTheyTakeAndNothingElse) {
  Buffer<float> number = Number();
  EXPECT_DEATH(static_cast<void>(first_->Record([&] {
                 number.Reserve(*first_, 100);
                 return absl::OkStatus();
               })),
               "memory is freed in another capture");
  Buffer<float> none;
  EXPECT_DEATH(static_cast<void>(first_->Record([&] {
                 none.Reserve(*first_, 100);
                 return absl::OkStatus();
               })),
               "memory is taken in a capture and kept");
}

class ProductsMadeTogether : public Streams {
 protected:
  void SetUp() override {
    Streams::SetUp();
    ASSERT_OK_AND_ASSIGN(products_, MakeProducts(*first_, FloatOperands::kF32));
    a_ = Number(), b_ = Number(), c_ = Number();
    Set(*first_, kThree, a_);
    Set(*first_, kOne, b_);
  }
  void Square(const Buffer<float>& from, const Buffer<float>& to) {
    const MatrixRef<float> matrix{from.data(), 1};
    products_->Multiply(1, 1, 1, matrix, matrix, 0, {to.data(), 1});
  }

  static constexpr float kOne = 1, kThree = 3;
  std::unique_ptr<Products> products_;
  Buffer<float> a_, b_, c_;
};
using ProductsMadeTogetherDeathTest = ProductsMadeTogether;

TEST_F(ProductsMadeTogether, DoNotFindWhatOthersOfThemMake) {
  {
    const Together together(*products_);
    Square(a_, b_);
    Square(b_, c_);
  }
  EXPECT_EQ(Get(*first_, b_), 9);
  EXPECT_EQ(Get(*first_, c_), 1);
  Square(b_, c_);
  EXPECT_EQ(Get(*first_, c_), 81);
}

TEST_F(ProductsMadeTogetherDeathTest, HaveNoOtherWorkAmongThem) {
  EXPECT_DEATH(
      {
        const Together together(*products_);
        Add(*first_, a_, b_);
      },
      "other work among products");
}

}  // namespace
}  // namespace quadhop::cuda
