// inspect and verify of a checkpoint, and of what is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/files/file.h"
#include "launch/run/checkpoint_folder.h"
#include "tests/launch/commands/commands_fixture.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class InspectCheckpointTest : public CommandsTest {
 protected:
  void Train(std::vector<std::string> settings) {
    std::vector<std::string> arguments = {"train", "--store", store_,      "--config", "quickstart",
                                          "--run", run_,      "--threads", "1"};
    for (const char* setting : {"train.batch=16", "train.epochs=3", "model.width=8",
                                "model.centroids=4", "checkpoint.keep=9"})
      settings.emplace_back(setting);
    for (const std::string& setting : settings)
      arguments.insert(arguments.end(), {"--set", setting});
    ASSERT_EQ(Prep().code, ExitCode::kDone);
    ASSERT_EQ(Quadhop(arguments).code, ExitCode::kDone);
  }

  const std::string run_ = folder_ / "run";
};

TEST_F(InspectCheckpointTest, ShowsWhereItStandsAndItsFiles) {
  Train({});
  const std::string path = LatestCheckpointPath(run_);
  const Outcome outcome = Quadhop({"inspect", path, "--json"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  const nlohmann::json shown = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(shown["kind"], "checkpoint");
  EXPECT_EQ(shown["path"], path);
  EXPECT_EQ(shown["epoch"], 3);
  EXPECT_EQ(shown["step"], 15);  // 70 training nodes are 5 steps of 16 at most
  EXPECT_EQ(shown["steps_of_next_epoch"], 0);
  EXPECT_EQ(shown["split"], "time");
  EXPECT_EQ(shown["store"].get<std::string>().size(), 16u);
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(run_ + "/summary.json"));
  const nlohmann::json summary = nlohmann::json::parse(text);
  EXPECT_EQ(shown["best_valid"], summary["valid_accuracy"]);
  EXPECT_EQ(shown["best_test"], summary["test_accuracy"]);
  EXPECT_EQ(shown["best_epoch"], summary["best_epoch"]);
  int64_t bytes = 0;
  for (const auto& [name, of_file] : shown["files"].items()) {
    ASSERT_OK_AND_ASSIGN(const int64_t on_disk, FileBytes(path + "/" + name));
    EXPECT_EQ(of_file, on_disk) << name;
    bytes += on_disk;
  }
  EXPECT_TRUE(shown["files"].contains("weights.safetensors"));
  EXPECT_EQ(shown["bytes"], bytes);
  EXPECT_THAT(Quadhop({"inspect", path}).out,
              AllOf(HasSubstr("3 epochs, 15 steps"), HasSubstr("split      time"),
                    HasSubstr("weights.safetensors")));
  EXPECT_THAT(Quadhop({"verify", path}).out, HasSubstr(path + " is intact"));
}

TEST_F(InspectCheckpointTest, HasNoBestBeforeAnEvaluation) {
  Train({"checkpoint.every_steps=3"});
  const std::string path = CheckpointPath(run_, 3);
  const nlohmann::json shown = nlohmann::json::parse(Quadhop({"inspect", path, "--json"}).out);
  EXPECT_EQ(shown["epoch"], 0);
  EXPECT_EQ(shown["steps_of_next_epoch"], 3);
  EXPECT_TRUE(shown["best_valid"].is_null());
  EXPECT_THAT(Quadhop({"inspect", path}).out,
              AllOf(HasSubstr("3 steps, of which 3 in epoch 1"), HasSubstr("none yet")));
}

TEST_F(InspectCheckpointTest, SaysThatItsManifestIsDamaged) {
  Train({});
  const std::string path = LatestCheckpointPath(run_);
  ASSERT_OK(WriteFileAtomically(path + "/checkpoint.textproto", "format_version: 2\n"));
  const Outcome outcome = Quadhop({"inspect", path});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("is damaged"));
}

TEST_F(InspectCheckpointTest, AnotherFolderIsNeither) {
  for (const char* command : {"inspect", "verify"}) {
    const Outcome outcome = Quadhop({command, from_});
    EXPECT_EQ(outcome.code, ExitCode::kFailed);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr(from_ + " is neither a store"), HasSubstr("checkpoint.textproto")));
  }
}

}  // namespace
}  // namespace quadhop
