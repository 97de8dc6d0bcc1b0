// Whole runs of training on a small graph.
#pragma once

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files/file.h"
#include "launch/config/config.h"
#include "launch/ranks/stop_signals.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/training/train.h"
#include "launch/training/train_job.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {

constexpr int64_t kStepsPerEpoch = 6;
constexpr int64_t kSteps = 3 * kStepsPerEpoch;

// A graph of 600 nodes in 3 partitions, of whose 48 training nodes 8 are a batch: 3 epochs of 6
// steps.
class TrainingTest : public testing::Test {
 protected:
  void SetUp() override {
    SynthGraph(folder_ / "graph", 600);
    const Outcome prep = Quadhop(
        {"prep", "--from", folder_ / "graph", "--store", store_, "--parts", "3", "--dim", "4"});
    ASSERT_EQ(prep.code, ExitCode::kDone) << prep.err;
  }

  std::vector<std::string> Settings(std::vector<std::string> more = {}) const {
    more.insert(more.begin(),
                {"train.epochs=3", "train.batch=8", "train.log_every_steps=1", "model.width=8",
                 "model.centroids=2", "sampler.sampled_nodes=4", "checkpoint.keep=100"});
    return more;
  }

  Outcome Train(const std::string& run, const std::vector<std::string>& settings,
                const std::vector<std::string>& flags = {"--ranks-in-process", "2"}) const {
    std::vector<std::string> arguments = {"train", "--store", store_,      "--config", "quickstart",
                                          "--run", run,       "--threads", "1"};
    for (const std::string& setting : Settings(settings)) {
      arguments.push_back("--set");
      arguments.push_back(setting);
    }
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return Quadhop(arguments);
  }
  Outcome Resume(const std::string& run, const std::string& ranks,
                 const std::vector<std::string>& settings = {}) const {
    return Train(run, settings, {"--resume", "--ranks-in-process", ranks});
  }

  // On two ranks, after SIGTERM.
  absl::StatusOr<ExitCode> TrainAskedToStop(RunFolder::Start start) const {
    QH_ASSIGN_OR_RETURN(const Config config, LoadConfig("quickstart", Settings()));
    StopSignals stop;
    stop.Defer();
    EXPECT_EQ(kill(getpid(), SIGTERM), 0);
    const TrainJob job{store_, run_, "", "", start, config, &stop, LogStyle::kText, ""};
    testing::internal::CaptureStdout();
    absl::StatusOr<ExitCode> code =
        RunRanks({.ranks_in_process = 2, .threads = 1, .heartbeat = {}},
                 [&](const RankContext& context) { return quadhop::Train(job, context); });
    testing::internal::GetCapturedStdout();
    return code;
  }

  // The lines of steps and epochs without times, and the bytes of the last checkpoint.
  struct Result {
    std::vector<nlohmann::json> lines;
    std::map<std::string, std::string> files;
    bool operator==(const Result&) const = default;
  };
  static Result ResultOf(const std::string& run) {
    Result result;
    std::ifstream metrics(RunMetricsPath(run));
    for (std::string line; std::getline(metrics, line);) {
      nlohmann::json event = nlohmann::json::parse(line);
      if (event["event"] != "step" && event["event"] != "epoch") continue;
      for (const char* time : {"seconds", "evaluation_seconds", "train_nodes_per_second",
                               "exposed_wait_seconds", "loading"})
        event.erase(time);
      result.lines.push_back(event);
    }
    for (const auto& entry : std::filesystem::directory_iterator(LatestCheckpointPath(run))) {
      if (entry.path().extension() != ".textproto")
        result.files[entry.path().filename()] = ReadFile(entry.path()).value();
    }
    return result;
  }

  Result Undisturbed() {
    const Outcome outcome = Train(folder_ / "undisturbed", {});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    return ResultOf(folder_ / "undisturbed");
  }

  TempDir folder_;
  std::string store_ = folder_ / "graph.qh";
  const std::string run_ = folder_ / "run";
};

}  // namespace quadhop
