// The conformance suite of Communicator: every test runs for each implementation and number of
// ranks.
#include "comm/collectives/communicator.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "comm/collectives/gather.h"
#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

class CommunicatorTest : public ::testing::TestWithParam<RankBackend> {
 protected:
  void Run(const std::function<void(Communicator&)>& body) { RunFor(absl::Seconds(60), body); }
  void RunFor(absl::Duration deadline, const std::function<void(Communicator&)>& body) {
    GetParam().run(deadline, body);
  }
  int32_t num_ranks() const { return GetParam().num_ranks; }
  absl::Duration short_deadline() const { return GetParam().short_deadline; }
};

INSTANTIATE_TEST_SUITE_P(Implementations, CommunicatorTest, ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

// Byte i of what rank `from` sends to rank `to`.
uint8_t ByteOf(int32_t from, int32_t to, int64_t i) {
  return static_cast<uint8_t>(from * 101 + to * 37 + i * 7 + (i >> 8) * 13);
}

// What one rank sends and receives when message (from, to) has bytes_of(from, to) bytes.
template <typename BytesOf>
struct Exchange {
  Exchange(const Communicator& comm, const BytesOf& bytes_of) : rank(comm.rank().value()) {
    const int32_t num_ranks = comm.num_ranks();
    for (int32_t r = 0; r < num_ranks; ++r) {
      sent.emplace_back(static_cast<size_t>(bytes_of(rank, r)));
      for (size_t i = 0; i < sent.back().size(); ++i)
        sent.back()[i] = ByteOf(rank, r, static_cast<int64_t>(i));
      received.emplace_back(static_cast<size_t>(bytes_of(r, rank)));
    }
    for (size_t r = 0; r < sent.size(); ++r)
      messages.push_back({sent[r].data(), static_cast<int64_t>(sent[r].size()), received[r].data(),
                          static_cast<int64_t>(received[r].size())});
  }
  void ExpectReceived() const {
    for (size_t r = 0; r < received.size(); ++r) {
      int64_t num_wrong = 0;
      for (size_t i = 0; i < received[r].size(); ++i)
        num_wrong +=
            received[r][i] != ByteOf(static_cast<int32_t>(r), rank, static_cast<int64_t>(i));
      EXPECT_EQ(num_wrong, 0) << "of " << received[r].size() << " bytes from rank " << r;
    }
  }
  int32_t rank;
  std::vector<std::vector<uint8_t>> sent, received;
  std::vector<Communicator::Message> messages;
};

TEST_P(CommunicatorTest, KnowsItsRankAndNumberOfRanks) {
  Run([&](Communicator& comm) {
    ASSERT_EQ(comm.num_ranks(), num_ranks());
    std::vector<int64_t> here(static_cast<size_t>(num_ranks()));
    here.at(static_cast<size_t>(comm.rank().value())) = 1;
    ASSERT_OK(SumOverRanks(comm, "ranks", absl::MakeSpan(here)));
    EXPECT_THAT(here, testing::Each(1));
  });
}

TEST_P(CommunicatorTest, ExchangesMessagesOfDifferentSizesOverAndOver) {
  Run([](Communicator& comm) {
    for (int round = 0; round < 50; ++round) {
      Exchange exchange(comm, [&](int from, int to) { return (from * 3 + to * 5 + round) % 11; });
      ASSERT_OK(comm.AllToAllV("exchange", exchange.messages));
      exchange.ExpectReceived();
    }
  });
}

TEST_P(CommunicatorTest, ExchangesMessagesLongerThanOneChunk) {
  Run([](Communicator& comm) {
    constexpr int64_t kKeptChunkBytes = 60'000,
                      kKeptBytes = int64_t{1} << 20;  // of comm/mpi/mpi_exchange.cc
    for (const int64_t bytes :
         {kKeptChunkBytes - 1, kKeptChunkBytes, kKeptChunkBytes + 1, 3 * kKeptChunkBytes,
          kKeptBytes, kKeptBytes + 1, 11 * kTestMpiChunkBytes, 23 * kTestMpiChunkBytes + 567}) {
      Exchange exchange(comm, [&](int from, int to) { return bytes + from - to; });
      ASSERT_OK(comm.AllToAllV("long exchange", exchange.messages));
      exchange.ExpectReceived();
    }
  });
}

TEST_P(CommunicatorTest, ExchangesMessagesWhenSomeOrAllAreEmpty) {
  Run([](Communicator& comm) {
    Exchange none(comm, [](int, int) { return 0; });
    EXPECT_OK(comm.AllToAllV("nothing", none.messages));
    Exchange from_last(comm, [&](int from, int) { return from == comm.num_ranks() - 1 ? 9 : 0; });
    ASSERT_OK(comm.AllToAllV("from the last", from_last.messages));
    from_last.ExpectReceived();
  });
}

TEST_P(CommunicatorTest, BroadcastsFromEveryRoot) {
  Run([](Communicator& comm) {
    for (int32_t root = 0; root < comm.num_ranks(); ++root) {
      std::vector<uint8_t> bytes(2345, static_cast<uint8_t>(comm.rank().value() + 10));
      ASSERT_OK(comm.Broadcast("broadcast", Rank(root), absl::MakeSpan(bytes)));
      EXPECT_EQ(bytes, std::vector<uint8_t>(2345, static_cast<uint8_t>(root + 10)));
    }
    EXPECT_OK(comm.Broadcast("broadcast of nothing", Rank(0), {}));
  });
}

TEST_P(CommunicatorTest, GathersByRank) {
  Run([](Communicator& comm) {
    // Rank r contributes r + 1 times the byte r + 1, rank 1 nothing.
    const auto size_of = [](int32_t r) { return r == 1 ? int64_t{0} : int64_t{r} + 1; };
    std::vector<int64_t> sizes;
    std::vector<uint8_t> expected;
    for (int32_t r = 0; r < comm.num_ranks(); ++r) {
      sizes.push_back(size_of(r));
      expected.insert(expected.end(), static_cast<size_t>(size_of(r)), static_cast<uint8_t>(r + 1));
    }
    const int32_t own = comm.rank().value();
    const std::vector<uint8_t> mine(static_cast<size_t>(size_of(own)),
                                    static_cast<uint8_t>(own + 1));
    std::vector<uint8_t> received(expected.size());
    ASSERT_OK(comm.AllGatherV("gather", mine, sizes, absl::MakeSpan(received)));
    EXPECT_EQ(received, expected);
  });
}

TEST_P(CommunicatorTest, SumsOverRanks) {
  Run([](Communicator& comm) {
    const int32_t num_ranks = comm.num_ranks();
    for (const size_t n : {size_t{0}, size_t{1}, size_t{3}, size_t{250}, size_t{2501}}) {
      std::vector<float> values(n), expected(n);
      for (size_t i = 0; i < n; ++i) {
        values[i] = static_cast<float>(static_cast<int32_t>(i) * (comm.rank().value() + 1));
        // Small integers: the sum is exact in any order.
        expected[i] = static_cast<float>(static_cast<int32_t>(i) * num_ranks * (num_ranks + 1) / 2);
      }
      ASSERT_OK(comm.AllReduceSum("sum", absl::MakeSpan(values)));
      EXPECT_EQ(values, expected);
    }
  });
}

TEST_P(CommunicatorTest, BarrierWaitsForTheLastRank) {
  Run([](Communicator& comm) {
    using Clock = std::chrono::steady_clock;
    ASSERT_OK(comm.Barrier("start together"));
    const Clock::time_point start = Clock::now();
    if (comm.rank().value() == comm.num_ranks() - 1)
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ASSERT_OK(comm.Barrier("wait for the last"));
    // Less than 200 by far more than ranks may leave the first barrier apart.
    EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(100));
  });
}

TEST_P(CommunicatorTest, DuplicatesAreUsedFromTwoThreadsAtOnceWithoutMixing) {
  Run([](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> other, comm.Duplicate());
    EXPECT_EQ(other->rank(), comm.rank());
    ASSERT_EQ(other->num_ranks(), comm.num_ranks());
    const auto work = [](Communicator& own, int step) {
      for (int round = 0; round < 200; ++round) {
        Exchange exchange(own, [&](int from, int to) { return (from + to + round * step) % 50; });
        ASSERT_OK(own.AllToAllV(absl::StrCat("exchange ", step), exchange.messages));
        exchange.ExpectReceived();
      }
    };
    std::thread thread(work, std::ref(*other), 3);
    work(comm, 7);
    thread.join();
  });
}

TEST_P(CommunicatorTest, DuplicatesOfDuplicatesWork) {
  Run([](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> first, comm.Duplicate());
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> second, comm.Duplicate());
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> third, first->Duplicate());
    for (Communicator* each : {third.get(), second.get(), first.get(), &comm})
      EXPECT_OK(each->Barrier("in turn"));
  });
}

TEST_P(CommunicatorTest, NamesTheSilentRankWhenTheDeadlineExpires) {
  if (num_ranks() == 1) GTEST_SKIP() << "one rank waits for nobody";
  RunFor(short_deadline(), [&](Communicator& comm) {
    if (comm.rank().value() == 1) {
      absl::SleepFor(short_deadline() + absl::Seconds(1));
      return;
    }
    const absl::Status status = comm.Barrier("end of step 7");
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDeadlineExceeded,
                                 testing::AllOf(HasSubstr("end of step 7"),
                                                HasSubstr(absl::StrCat(
                                                    absl::ToDoubleSeconds(short_deadline()), " s")),
                                                testing::ContainsRegex("for rank 1[ ;]"))));
    // Broken for good, and at once.
    EXPECT_EQ(comm.AllReduceSum("after", {}), status);
    EXPECT_EQ(comm.Duplicate().status(), status);
  });
}

TEST_P(CommunicatorTest, NamesTheSilentRankOfAFastSum) {
  if (num_ranks() == 1) GTEST_SKIP() << "one rank waits for nobody";
  RunFor(short_deadline(), [&](Communicator& comm) {
    if (comm.rank().value() == 1) {
      absl::SleepFor(short_deadline() + absl::Seconds(1));
      return;
    }
    std::vector<float> values(100);
    EXPECT_THAT(
        comm.AllReduceSum("gradients", absl::MakeSpan(values)),
        StatusIs(absl::StatusCode::kDeadlineExceeded,
                 testing::AllOf(HasSubstr("gradients"), testing::ContainsRegex("for rank 1[ ;]"))));
  });
}

// Rank 0 sends rank 1 `sent` bytes where rank 1 expects `expected`.
void ExpectMismatch(Communicator& comm, int64_t sent, int64_t expected) {
  const std::vector<uint8_t> send(static_cast<size_t>(sent));
  std::vector<uint8_t> receive(static_cast<size_t>(expected));
  std::vector<Communicator::Message> messages(static_cast<size_t>(comm.num_ranks()));
  if (comm.rank().value() == 0) messages[1] = {send.data(), sent, nullptr, 0};
  if (comm.rank().value() == 1) messages[0] = {nullptr, 0, receive.data(), expected};
  const absl::Status status = comm.AllToAllV("rows", messages);
  if (comm.rank().value() == 1) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                                 testing::AllOf(HasSubstr("rows"), HasSubstr("rank 0"))))
        << sent << " bytes sent, " << expected << " expected";
  }
}

TEST_P(CommunicatorTest, FindsSizesThatDoNotAgree) {
  if (num_ranks() == 1) GTEST_SKIP() << "there is nobody to disagree with";
  const int64_t chunk = kTestMpiChunkBytes;
  const std::vector<std::pair<int64_t, int64_t>> cases = {{8, 9},
                                                          {9, 8},
                                                          {0, 1},
                                                          {1, 0},
                                                          {1000, 3000},
                                                          {3000, 1000},
                                                          {3000, 8},
                                                          {8, 3000},
                                                          {chunk, chunk + 1},
                                                          {2 * chunk, 3 * chunk},
                                                          {3 * chunk, 2 * chunk}};
  for (const auto& [sent, expected] : cases)
    RunFor(std::max(absl::Seconds(2), short_deadline()),
           [&, sent = sent, expected = expected](Communicator& comm) {
             ExpectMismatch(comm, sent, expected);
           });
}

TEST_P(CommunicatorTest, FindsSumsOfDifferentLengths) {
  if (num_ranks() == 1) GTEST_SKIP() << "there is nobody to disagree with";
  RunFor(std::max(absl::Seconds(2), short_deadline()), [&](Communicator& comm) {
    std::vector<float> values(comm.rank().value() == 0 ? 4 : 5);
    const absl::Status status = comm.AllReduceSum("sum", absl::MakeSpan(values));
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  });
}

TEST_P(CommunicatorTest, RefusesMessagesThatCannotBeMeant) {
  const absl::StatusCode invalid = absl::StatusCode::kInvalidArgument;
  Run([&](Communicator& comm) {
    EXPECT_THAT(comm.AllToAllV("too few", {}), StatusIs(invalid, HasSubstr("too few")));
    EXPECT_THAT(comm.Barrier("after"), StatusIs(invalid, HasSubstr("too few")));
  });
  Run([&](Communicator& comm) {
    std::vector<Communicator::Message> messages(static_cast<size_t>(num_ranks()));
    messages[0].send_bytes = -1;
    EXPECT_THAT(comm.AllToAllV("negative", messages), StatusIs(invalid, HasSubstr("-1")));
  });
  Run([&](Communicator& comm) {
    EXPECT_THAT(comm.Broadcast("no such root", Rank(num_ranks()), {}), StatusIs(invalid));
  });
  Run([&](Communicator& comm) {
    EXPECT_THAT(comm.AllGatherV("sizes", {}, {}, {}), StatusIs(invalid));
  });
}

TEST_P(CommunicatorTest, AbortWakesWaitingRanksOnAllDuplicates) {
  if (!GetParam().ranks_are_threads) GTEST_SKIP() << "would end this test; see comm_mpi_abort";
  Run([&](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> other, comm.Duplicate());
    const auto aborted = StatusIs(absl::StatusCode::kAborted, HasSubstr("disk full"));
    if (comm.rank().value() == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      comm.Abort("disk full");
    } else {
      Communicator& waiting = comm.rank().value() % 2 == 0 ? comm : *other;
      EXPECT_THAT(waiting.Barrier("never complete"), aborted);
    }
    EXPECT_THAT(comm.Barrier("later"), aborted);
    EXPECT_THAT(other->Barrier("later"), aborted);
  });
}

TEST_P(CommunicatorTest, CancelWakesTheRankThatWaitsAndBreaksOnlyThatCommunicator) {
  if (num_ranks() == 1) GTEST_SKIP() << "one rank waits for nobody";
  Run([&](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Communicator> other, comm.Duplicate());
    if (comm.rank().value() == 0) {
      std::thread waiting(
          [&] { EXPECT_THAT(other->Barrier("rows"), StatusIs(absl::StatusCode::kAborted)); });
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      other->Cancel();
      waiting.join();
      EXPECT_THAT(other->Barrier("rows"), StatusIs(absl::StatusCode::kAborted));
    }
    EXPECT_OK(comm.Barrier("all are still here"));
  });
}

TEST(ThreadCommunicators, FindRanksThatCallDifferentOperations) {
  for (const RankBackend& backend : RankBackends()) {
    if (!backend.ranks_are_threads || backend.num_ranks == 1) continue;
    backend.run(absl::Seconds(60), [](Communicator& comm) {
      const absl::Status status = comm.Barrier(comm.rank().value() == 0 ? "gradients" : "loss");
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                                   testing::AllOf(HasSubstr("gradients"), HasSubstr("loss"))));
    });
  }
}

}  // namespace
}  // namespace quadhop
