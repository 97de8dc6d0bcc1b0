#include "partition/prep/prep.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/files/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// What Prep tells, in its order.
class Record : public PrepObserver {
 public:
  void Say(absl::string_view lines) override { said += std::string(lines); }
  void Begins(PrepStep step) override { begun.push_back(step); }
  void Done(PrepStep step, absl::Duration, absl::string_view) override {
    steps.push_back(absl::StrCat(PrepStepName(step), " done"));
  }
  void Skipped(PrepStep step, absl::Duration, absl::string_view) override {
    steps.push_back(absl::StrCat(PrepStepName(step), " skipped"));
  }

  std::string said;
  std::vector<PrepStep> begun;
  std::vector<std::string> steps;
};

class PrepTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.import.from = folder_ / "arcs.txt";
    options_.store = folder_ / "s.qh";
    options_.partition.parts = 1;
    options_.partition.method = "hash";
    options_.encode.dim = 2;
    ASSERT_OK(WriteFileAtomically(options_.import.from, "0 1\n1 2\n2 0\n"));
  }
  Record Run(bool dry_run = false) {
    Record record;
    EXPECT_OK(Prep(options_, dry_run, pool_, record));
    return record;
  }

  TempDir folder_;
  PrepOptions options_;
  ThreadPool pool_{1};
};

TEST_F(PrepTest, TellsOfEachStepAndOfAPlanBeforeIt) {
  const Record first = Run();
  EXPECT_THAT(first.steps,
              ElementsAre("import done", "partition done", "encode done", "propagate done"));
  EXPECT_THAT(first.said, HasSubstr("it may have 3 nodes and 6 arcs\n"));
  EXPECT_THAT(first.said, ContainsRegex("\npartition .*\n(.*\n)+partition ")) << "known since";
  const Record again = Run();
  EXPECT_THAT(again.steps, ElementsAre("import skipped", "partition skipped", "encode skipped",
                                       "propagate skipped"));
  EXPECT_EQ(again.said, "");
}

TEST_F(PrepTest, TellsWhatEachStepIsAt) {
  std::mutex mutex;
  std::set<std::string> heard;
  options_.on_progress = [&](absl::string_view what, double share) {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_LE(share, 1) << what;
    heard.emplace(what);
  };
  EXPECT_THAT(Run().begun, ElementsAreArray(kPrepSteps));
  EXPECT_THAT(heard, UnorderedElementsAre("arcs.txt", "sorts arcs", "writes", "cuts by hash",
                                          "orders nodes", "powers", "measures link AUC", "hops"));
  EXPECT_THAT(Run().begun, IsEmpty());
}

TEST_F(PrepTest, ADryRunDoesNoStep) {
  EXPECT_THAT(Run(/*dry_run=*/true).steps, IsEmpty());
  EXPECT_FALSE(FileExists(options_.store));
}

TEST_F(PrepTest, HandsWhatStepsShareToAllOfThem) {
  options_.seed = 7;
  options_.memory_bytes = int64_t{1} << 30;
  std::vector<std::string> committed;
  options_.on_commit = [&](absl::string_view step, CommitPoint point) {
    if (point == CommitPoint::kBegin) committed.emplace_back(step);
  };
  options_.Share();
  EXPECT_EQ(options_.import.store, options_.store);
  for (const uint64_t seed : {options_.import.seed, options_.partition.seed, options_.encode.seed})
    EXPECT_EQ(seed, 7);
  for (const int64_t bytes : {options_.import.memory_bytes, options_.partition.memory_bytes,
                              options_.encode.memory_bytes, options_.propagate.memory_bytes})
    EXPECT_EQ(bytes, int64_t{1} << 30);
  Run();
  EXPECT_THAT(committed, ElementsAre("import", "partition", "encode", "propagate"));
}

}  // namespace
}  // namespace quadhop
