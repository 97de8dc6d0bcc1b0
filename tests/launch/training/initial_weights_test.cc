// `train --init FILE`: a run begins with the weights that another one exported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store_writer.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Names = std::vector<std::string>;

class InitialWeightsTest : public testing::Test {
 protected:
  // A store of three classes whose names, and those of its first features, are these.
  std::string StoreOf(const std::string& name, const Names& classes, const Names& features) {
    const std::string path = folder_ / name;
    EXPECT_OK(WriteTinyStore(path, {.graph_nodes = 200, .partitions = 2}));
    const auto writer = StoreWriter::Begin(path);
    EXPECT_OK(writer);
    StoreManifest& manifest = (*writer)->manifest();
    for (const std::string& one : classes) manifest.add_class_names(one);
    for (const std::string& one : features) manifest.add_feature_names(one);
    ThreadPool pool(1);
    const Provenance import = *FindStep(manifest, "import");
    EXPECT_OK((*writer)->Commit(import, pool));
    return path;
  }
  Outcome TrainOn(const std::string& store, const std::string& run) {
    return TrainTiny(store, folder_ / run, /*epochs=*/1, {"--init", file_});
  }

  TempDir folder_;
  const std::string file_ = folder_ / "m.safetensors";
};

TEST_F(InitialWeightsTest, AreRefusedForClassesOrFeaturesOfOtherNames) {
  const Names classes = {"fraud", "ok", "odd"};
  const std::string store = StoreOf("s.qh", classes, {"age", "income", "x", "y"});
  ASSERT_EQ(TrainTiny(store, folder_ / "run", 1, {}).code, ExitCode::kDone);
  ASSERT_EQ(Quadhop({"export", "--run", folder_ / "run", "--out", file_}).code, ExitCode::kDone);
  const Outcome same = TrainOn(store, "same");
  EXPECT_EQ(same.code, ExitCode::kDone) << same.err;
  EXPECT_THAT(same.out, HasSubstr("may be among those that " + file_ + " was trained on"));
  const Outcome turned =
      TrainOn(StoreOf("t.qh", {"ok", "fraud", "odd"}, {"age", "income", "x", "y"}), "turned");
  EXPECT_EQ(turned.code, ExitCode::kFailed);
  EXPECT_THAT(turned.err,
              AllOf(HasSubstr("names of the classes of"), HasSubstr("first \"ok\" and \"fraud\"")));
  const Outcome other = TrainOn(StoreOf("o.qh", classes, {"age", "x", "income", "y"}), "other");
  EXPECT_THAT(other.err, AllOf(HasSubstr("names of the features of"),
                               HasSubstr("first \"x\" and \"income\"")));
  const Outcome nameless = TrainOn(StoreOf("n.qh", {}, {}), "nameless");
  EXPECT_EQ(nameless.code, ExitCode::kDone) << nameless.err;
}

}  // namespace
}  // namespace quadhop
