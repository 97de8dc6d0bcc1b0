// Memory of steps is taken once.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "launch/config/config.h"
#include "launch/ranks/runtime.h"
#include "launch/session/session.h"
#include "model/parameters/adam.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/large_allocations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

struct Setting {
  const char* name;
  std::vector<std::string> overrides;
};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

class SteadyMemory : public testing::TestWithParam<Setting> {
 protected:
  struct EpochCounts {
    int64_t steps;
    int64_t large_allocations;
  };
  absl::StatusOr<std::vector<EpochCounts>> Train(const std::string& store, int64_t epochs) {
    std::vector<std::string> overrides = {"train.batch=32", "sampler.sampled_nodes=10",
                                          "model.width=32", "model.centroids=64"};
    overrides.insert(overrides.end(), GetParam().overrides.begin(), GetParam().overrides.end());
    QH_ASSIGN_OR_RETURN(const Config config, LoadConfig("quickstart", overrides));
    std::vector<EpochCounts> counts;
    const auto body = [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
      QH_ASSIGN_OR_RETURN(const auto session, Session::Create(store, "", config, context));
      Adam adam({}, session->model().parameters());
      for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
        const int64_t before = NumLargeAllocations();
        QH_RETURN_IF_ERROR(TrainEpoch(*session, adam, epoch));
        counts.push_back({session->loader().num_steps(), NumLargeAllocations() - before});
      }
      return ExitCode::kDone;
    };
    const auto code = RunRanks({.ranks_in_process = 1, .threads = 2, .heartbeat = {}}, body);
    QH_RETURN_IF_ERROR(code.status());
    return counts;
  }

 private:
  static absl::Status TrainEpoch(Session& session, Adam& adam, int64_t epoch) {
    Pass pass;
    pass.batch = session.config().train().batch();
    pass.epoch = epoch;
    QH_RETURN_IF_ERROR(session.loader().Start(pass));
    while (true) {
      QH_ASSIGN_OR_RETURN(const Batch* batch, session.loader().Next());
      if (batch == nullptr) return absl::OkStatus();
      QH_RETURN_IF_ERROR(session.model().ComputeGradients(*batch).status());
      adam.Apply(session.kernels(), 1e-3, session.model().parameters());
    }
  }
};

TEST_P(SteadyMemory, NothingLargeIsTakenOnceAllStepsHaveHadTheirSize) {
  const TempDir folder;
  const std::string store = folder / "graph.qh";
  for (const std::vector<std::string>& step :
       {std::vector<std::string>{"synth", "--nodes", "3000", "--degree", "12", "--features", "16",
                                 "--classes", "4", "--to-store", "--out", store},
        std::vector<std::string>{"partition", "--store", store, "--parts", "2"},
        std::vector<std::string>{"encode", "--store", store, "--dim", "8"},
        std::vector<std::string>{"propagate", "--store", store, "--dtype", "f16"}})
    ASSERT_EQ(Quadhop(step).code, ExitCode::kDone) << step[0];
  testing::internal::CaptureStderr();
  const auto epochs = Train(store, 12);
  testing::internal::GetCapturedStderr();
  ASSERT_OK(epochs);
  EXPECT_GT(epochs->front().large_allocations, 5);
  // Which of the buffers that take turns gets the largest batch is chance: some may grow late (at
  // most three were seen). What is taken anew in steps would be there in each of them.
  EpochCounts late = {};
  for (size_t i = epochs->size() / 2; i < epochs->size(); ++i) {
    late.steps += (*epochs)[i].steps;
    late.large_allocations += (*epochs)[i].large_allocations;
  }
  EXPECT_GT(late.steps, 30);
  EXPECT_LT(late.large_allocations, 6);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, SteadyMemory,
    testing::Values(Setting{"F32", {}}, Setting{"Bf16", {"model.precision=BF16"}},
                    Setting{"Multiplicities", {"model.multiplicities=true"}},
                    Setting{"Partitioned", {"sampler.feature_placement=PARTITIONED"}}),
    [](const auto& setting) { return std::string(setting.param.name); });

}  // namespace
}  // namespace quadhop
