// What ranks exchange in a step travels while they compute, but for the moments of the head.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/toy_job.h"
#include "tests/support/run_ranks.h"

namespace quadhop {
namespace {

// Notes the operations made on it, which its caller waits for at once; those of its duplicates are
// made by threads of their own.
class NotingCommunicator : public Communicator {
 public:
  NotingCommunicator(Communicator& comm, std::vector<std::string>& operations)
      : comm_(comm), operations_(operations) {}
  Rank rank() const override { return comm_.rank(); }
  int32_t num_ranks() const override { return comm_.num_ranks(); }
  void Abort(absl::string_view why) override { comm_.Abort(why); }
  void Cancel() override { comm_.Cancel(); }

 private:
  absl::Status DoAllToAllV(absl::string_view operation,
                           absl::Span<const Message> messages) override {
    operations_.emplace_back(operation);
    return comm_.AllToAllV(operation, messages);
  }
  absl::StatusOr<std::unique_ptr<Communicator>> DoDuplicate() override { return comm_.Duplicate(); }

  Communicator& comm_;
  std::vector<std::string>& operations_;
};

TEST(HiddenExchanges, OnlyMomentsOfTheHeadAreWaitedForAtOnce) {
  LargeGTOptions options;
  options.dims = {.features = 6,
                  .sampled = 5,
                  .pos_enc = 3,
                  .width = 8,
                  .heads = 2,
                  .centroids = 4,
                  .classes = 3};
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 40, 90});
  std::vector<std::string> operations;
  RunRanks(2, [&](Communicator& comm) {
    std::vector<std::string> of_this_rank;
    ToyRankOptions rank_options;
    rank_options.exchange.make_communicator = [&](Communicator& other, Kernels&) {
      return std::make_unique<NotingCommunicator>(other, of_this_rank);
    };
    ToyRank rank(graph, options, comm, rank_options);
    rank.Train(0, ToyNodes(graph, 0.6, 0));
    ASSERT_TRUE(rank.model().codebook()->started());
    of_this_rank.clear();
    rank.Train(1, ToyNodes(graph, 0.6, 1));
    if (comm.rank() == Rank(0)) operations = of_this_rank;
  });
  EXPECT_THAT(operations,
              testing::ElementsAre("batch moments of ffs.0.1", "batch moments of ffs.0.5",
                                   "gradient moments of ffs.0.5", "gradient moments of ffs.0.1"));
}

}  // namespace
}  // namespace quadhop
