#include "launch/commands/commands.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "core/arrays/npy.h"
#include "core/files/file.h"
#include "launch/run/run_paths.h"
#include "tests/launch/commands/commands_fixture.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST_F(CommandsTest, TheStepsMakeAStoreThatInspectDescribes) {
  EXPECT_EQ(Quadhop({"import", "--from", from_, "--store", store_}).code, ExitCode::kDone);
  EXPECT_EQ(Quadhop({"partition", "--store", store_, "--parts", "2"}).code, ExitCode::kDone);
  EXPECT_EQ(Quadhop({"propagate", "--store", store_, "--dtype", "BF16"}).code, ExitCode::kDone);
  EXPECT_EQ(Quadhop({"encode", "--store", store_, "--dim", "8"}).code, ExitCode::kDone);
  const nlohmann::json store = Inspect();
  EXPECT_EQ(store["nodes"], kNodes);
  EXPECT_EQ(store["arcs"], 2 * kNodes);
  EXPECT_EQ(store["features"], 3);
  EXPECT_EQ(store["classes"], kClasses);
  EXPECT_EQ(store["train"], 70);
  EXPECT_EQ(store["valid"], 10);
  EXPECT_EQ(store["test"], 20);
  EXPECT_EQ(store["split"], "time");
  EXPECT_EQ(store["directed"], false);
  EXPECT_EQ(store["isolated_nodes"], 0);
  EXPECT_EQ(store["parts"], 2);
  EXPECT_EQ(store["hops"], 2);
  EXPECT_EQ(store["feature_dtype"], "bf16");
  EXPECT_EQ(store["pos_enc_width"], 8);
  // Neighbours on the ring have equal classes nowhere but at its seam: nodes 99 and 0 are of class
  // 0.
  EXPECT_EQ(store["homophily"].get<double>(), 1.0 / kNodes);
  // Class 0 has 24 of the training nodes, and of the test nodes 81, 84, ..., 99: 7 of 20.
  EXPECT_EQ(store["majority_class_test_accuracy"].get<double>(), 7.0 / 20);
  EXPECT_EQ(store["nodes_of_classes"].dump(), R"({"0":34,"1":33,"2":33})");
  const Outcome text = Quadhop({"inspect", store_});
  EXPECT_THAT(text.out, AllOf(HasSubstr("nodes      100"), HasSubstr("0 (34), 1 (33), 2 (33)"),
                              HasSubstr("train 70, valid 10, test 20"),
                              HasSubstr("components 1; the largest has 100.0 %"),
                              HasSubstr("reads 4 neighbours")));
  EXPECT_THAT(Quadhop({"verify", store_}).out, HasSubstr("is intact"));
}

TEST_F(CommandsTest, InspectNamesHubsAndHasNoHomophilyWithoutLabels) {
  const std::string edges = folder_ / "edges.txt";
  ASSERT_OK(WriteFileAtomically(edges, "7000 31\n7000 52\n7000 64\n"));
  ASSERT_EQ(Quadhop({"import", "--from", edges, "--store", store_}).code, ExitCode::kDone);
  EXPECT_TRUE(Inspect()["homophily"].is_null());
  const Outcome text = Quadhop({"inspect", store_});
  EXPECT_THAT(text.out, HasSubstr("hubs       7000 (3), 31 (1), 52 (1), 64 (1) ("));
}

TEST_F(CommandsTest, InspectSaysOfAnotherFolderThatItIsNeitherStoreNorRun) {
  const Outcome outcome = Quadhop({"inspect", from_});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr(from_ + " is neither a store"));
}

TEST_F(CommandsTest, VerifyFindsADamagedByteInAnyFile) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  for (const char* name : {"features.npy", "indices.npy", "labels.npy", "pos_enc.npy"}) {
    Damage(name);
    const Outcome outcome = Quadhop({"verify", store_});
    EXPECT_EQ(outcome.code, ExitCode::kFailed);
    EXPECT_THAT(outcome.err, HasSubstr(name));
    Damage(name);  // back
    EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone);
  }
}

// What is made of damaged data would have checksums of its own.
TEST_F(CommandsTest, EveryCommandThatReadsADamagedFileNamesItAndLeavesTheStore) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const std::vector<std::string> cut = {"partition", "--store", store_, "--parts", "3"},
                                 encode = {"encode", "--store", store_, "--dim", "4"},
                                 propagate = {"propagate", "--store", store_, "--hops", "1"},
                                 inspect = {"inspect", store_},
                                 bench = {"bench", "sampler", "--store", store_};
  for (const auto& [name, commands] : std::map<std::string, std::vector<std::vector<std::string>>>{
           {"indptr.npy", {cut, encode, propagate, inspect, bench}},
           {"indices.npy", {cut, encode, propagate, inspect, bench}},
           {"original_ids.npy", {cut, encode, inspect}},
           {"raw.npy", {cut, propagate}},
           {"labels.npy", {cut, inspect}},
           {"features.npy", {cut}}}) {
    Damage(name);
    for (const std::vector<std::string>& command : commands) {
      const Outcome outcome = Quadhop(command);
      EXPECT_EQ(outcome.code, ExitCode::kFailed) << command[0] << " " << name;
      EXPECT_THAT(outcome.err, HasSubstr(name)) << command[0];
    }
    Damage(name);  // back
    EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone) << name;
  }
  Damage("features.npy");
  EXPECT_EQ(Quadhop(propagate).code, ExitCode::kDone) << "makes anew what is damaged";
  EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone);
}

TEST_F(CommandsTest, TheCommandThatAMessageNamesMakesAMissingFileAgain) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  std::filesystem::remove(store_ + "/features.npy");
  EXPECT_THAT(Quadhop({"verify", store_}).err, HasSubstr("run `quadhop propagate` again"));
  EXPECT_EQ(Quadhop({"propagate", "--store", store_}).code, ExitCode::kDone);
  EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone);
}

TEST_F(CommandsTest, AFolderOfOtherFilesIsNotWrittenInto) {
  ASSERT_OK(MakeDirectories(store_));
  ASSERT_OK(WriteFileAtomically(store_ + "/features.npy", "a user's"));
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"import", "--from", from_, "--store", store_},
                                             {"prep", "--from", from_, "--store", store_},
                                             {"synth", "--to-store", "--out", store_}}) {
    const Outcome outcome = Quadhop(command);
    EXPECT_EQ(outcome.code, ExitCode::kFailed) << command[0];
    EXPECT_THAT(outcome.err, HasSubstr("is not a store"));
  }
  EXPECT_EQ(ReadFile(store_ + "/features.npy").value(), "a user's");
}

TEST_F(CommandsTest, SynthMakesTheStoreThatItsFolderImportsTo) {
  const std::vector<std::string> graph = {"synth",      "--nodes", "300",       "--degree", "6",
                                          "--features", "5",       "--classes", "4"};
  std::vector<std::string> to_folder = graph;
  to_folder.insert(to_folder.end(), {"--out", folder_ / "synth"});
  std::vector<std::string> to_store = graph;
  to_store.insert(to_store.end(), {"--to-store", "--out", folder_ / "synth.qh"});
  ASSERT_EQ(Quadhop(to_folder).code, ExitCode::kDone);
  ASSERT_EQ(Quadhop(to_store).code, ExitCode::kDone);
  ASSERT_EQ(Quadhop({"import", "--from", folder_ / "synth", "--store", store_}).code,
            ExitCode::kDone);
  for (const char* name : {"/indices.npy", "/raw.npy", "/labels.npy", "/splits.npy"}) {
    ASSERT_OK_AND_ASSIGN(const std::string imported, ReadFile(store_ + name));
    ASSERT_OK_AND_ASSIGN(const std::string direct, ReadFile(folder_ / "synth.qh" + name));
    EXPECT_EQ(imported, direct) << name;
  }
}

TEST_F(CommandsTest, AnyNumberOfThreadsMakesTheSameStore) {
  ASSERT_EQ(Prep({"--threads", "1"}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const std::string one, ReadFile(store_ + "/features.npy.xxh3"));
  std::filesystem::remove_all(store_);
  ASSERT_EQ(Prep({"--threads", "3"}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const std::string three, ReadFile(store_ + "/features.npy.xxh3"));
  EXPECT_EQ(one, three);
}

TEST_F(CommandsTest, BadInputsFailWithTheirPlace) {
  const Outcome absent = Quadhop({"import", "--from", folder_ / "absent", "--store", store_});
  EXPECT_EQ(absent.code, ExitCode::kFailed);
  EXPECT_THAT(absent.err, HasSubstr("absent"));
  Write("raw/node-label.csv", "0\n1\ntwo\n");
  const Outcome label = Prep();
  EXPECT_EQ(label.code, ExitCode::kFailed);
  EXPECT_THAT(label.err, AllOf(HasSubstr("node-label.csv"), HasSubstr("line 3"), HasSubstr("two")));
  EXPECT_FALSE(FileExists(store_ + "/store.textproto"));
}

TEST_F(CommandsTest, LabelsThatAreNotThereOrTooFewAreNamed) {
  const std::vector<int64_t> labels = {0, 1, 0, 1};
  const std::vector<float> features(3);
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n1 2\n2 0\n"));
  ASSERT_OK(WriteNpy(folder_ / "y.npy", DType::kI64, {4}, labels.data()));
  ASSERT_OK(WriteNpy(folder_ / "x.npy", DType::kF32, {3, 1}, features.data()));
  std::vector<std::string> prep = {"prep",     "--from",    folder_ / "arcs.txt",
                                   "--format", "edge-list", "--store",
                                   store_,     "--dim",     "2",
                                   "--parts",  "1"};
  ASSERT_EQ(Quadhop(prep).code, ExitCode::kDone);
  const Outcome train =
      Quadhop({"train", "--store", store_, "--config", "quickstart", "--run", folder_ / "run"});
  EXPECT_EQ(train.code, ExitCode::kFailed);
  EXPECT_THAT(train.err, AllOf(HasSubstr(store_), HasSubstr("again with labels")));
  prep.insert(prep.end(), {"--labels", folder_ / "y.npy", "--features", folder_ / "x.npy"});
  const Outcome unequal = Quadhop(prep);
  EXPECT_EQ(unequal.code, ExitCode::kFailed);
  EXPECT_THAT(unequal.err,
              AllOf(HasSubstr("y.npy"), HasSubstr("each of the 3 nodes of"), HasSubstr("x.npy")));
}

TEST_F(CommandsTest, AnOverwriteThatCannotTrainLeavesTheRun) {
  const std::string run = folder_ / "run", other = folder_ / "other.qh";
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  ASSERT_EQ(TrainTiny(store_, run, 1).code, ExitCode::kDone);
  Write("split/time/train.csv", "5\n");
  ASSERT_EQ(Quadhop({"prep", "--from", from_, "--store", other, "--parts", "1"}).code,
            ExitCode::kDone);
  const Outcome refused = TrainTiny(other, run, 1, {"--overwrite"});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, HasSubstr(absl::StrCat("split time of ", other,
                                                  " has 1 labelled training node, but a step")));
  EXPECT_TRUE(FileExists(RunSummaryPath(run)));
}

TEST_F(CommandsTest, AClassBeyondTheNumberOfNodesIsRefusedByTraining) {
  std::string labels;
  for (int64_t v = 0; v < kNodes; ++v) absl::StrAppend(&labels, v == 7 ? 2000000000 : v % 2, "\n");
  Write("raw/node-label.csv", labels);
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const Outcome refused = TrainTiny(store_, folder_ / "run", 1);
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("has labels up to class 2000000000, but only"),
                                 HasSubstr("number the classes 0, 1, 2, ...")));
}

TEST_F(CommandsTest, AResultForAFolderThatIsNotThereIsRefusedBeforeTheWork) {
  const std::string run = folder_ / "run", nowhere = folder_ / "nowhere";
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  ASSERT_EQ(TrainTiny(store_, run, 1).code, ExitCode::kDone);
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"predict", "--run", run, "--out", nowhere + "/x.csv"},
           {"export", "--run", run, "--out", nowhere + "/x.safetensors"},
           {"report", run, "--out", nowhere + "/x.html"}}) {
    const Outcome refused = Quadhop(arguments);
    EXPECT_EQ(refused.code, ExitCode::kUsage) << arguments[0];
    EXPECT_THAT(refused.err, HasSubstr("there is no folder " + nowhere + ": make it first"));
  }
}

TEST_F(CommandsTest, PlanSaysWhatAStoreOrAGraphThatIsNotHereWillTake) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const Outcome of_store = Quadhop({"plan", "--store", store_, "--ranks", "2", "--threads", "1"});
  EXPECT_EQ(of_store.code, ExitCode::kDone) << of_store.err;
  for (const char* part : {"propagate", "MAPPED", "PARTITIONED", "step per epoch",
                           "for 10 validation nodes", "for 20 test nodes"})
    EXPECT_THAT(of_store.out, HasSubstr(part));
  const Outcome of_figures =
      Quadhop({"plan", "--nodes", "1000000", "--arcs", "60000000", "--features", "100", "--ranks",
               "8", "--host-memory", "1G", "--set", "train.batch=16", "--threads", "1"});
  EXPECT_EQ(of_figures.code, ExitCode::kDone) << of_figures.err;
  EXPECT_THAT(of_figures.out, ContainsRegex("MAPPED +1\\.[0-9]+ GB .*does not fit"));
  EXPECT_THAT(of_figures.out, ContainsRegex("PARTITIONED +0\\.[0-9]+ GB .*fits"));
  EXPECT_THAT(of_figures.out, HasSubstr("evaluation is not counted"));
  // Ranks of a host share its cores.
  EXPECT_EQ(Quadhop({"plan", "--store", store_, "--ranks", "2", "--gpus-per-host", "2",
                     "--ranks-per-host", "1"})
                .code,
            ExitCode::kUsage);
  const Outcome on_gpus =
      Quadhop({"plan", "--store", store_, "--ranks", "2", "--gpus-per-host", "2"});
  EXPECT_THAT(on_gpus.out,
              AllOf(HasSubstr("per epoch, each of"), HasSubstr("validation nodes"),
                    HasSubstr("bench model --backend cuda"), Not(HasSubstr("of this machine"))));
  const Outcome crowded = Quadhop({"plan", "--nodes", "1000000", "--arcs", "2000000", "--features",
                                   "4", "--ranks", "2048", "--ranks-per-host", "2048"});
  EXPECT_EQ(crowded.code, ExitCode::kDone) << crowded.err;
  EXPECT_THAT(crowded.out, HasSubstr("with 1 thread of this machine"));
}

TEST_F(CommandsTest, PlanTimesNoStepThatThisMachineCannotHold) {
  const Outcome plan =
      Quadhop({"plan", "--nodes", "100000000", "--arcs", "600000000", "--features", "100", "--set",
               "sampler.sampled_nodes=1000", "--set", "train.batch=8000000", "--threads", "1"});
  EXPECT_EQ(plan.code, ExitCode::kDone) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("does not fit"), HasSubstr("none is timed")));
}

TEST_F(CommandsTest, PlanAsksForWhatItCannotGuess) {
  const Outcome none = Quadhop({"plan", "--nodes", "1000"});
  EXPECT_EQ(none.code, ExitCode::kUsage);
  EXPECT_THAT(none.err, HasSubstr("--arcs"));
  const Outcome ranks = Quadhop({"plan", "--nodes", "1000", "--arcs", "10", "--features", "4",
                                 "--ranks", "5", "--parts", "4"});
  EXPECT_EQ(ranks.code, ExitCode::kUsage);
  EXPECT_THAT(ranks.err, HasSubstr("--parts is 4, but --ranks is 5"));
}

TEST_F(CommandsTest, PlanRefusesFiguresThatCannotBeMeant) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const Outcome both = Quadhop({"plan", "--store", store_, "--nodes", "5"});
  EXPECT_EQ(both.code, ExitCode::kUsage);
  EXPECT_THAT(both.err, HasSubstr("--store and --nodes are given"));
  const std::vector<std::string> plan = {"plan", "--nodes",   "10", "--features",
                                         "4",    "--threads", "1",  "--arcs"};
  const auto with_arcs = [plan](const char* arcs) {
    std::vector<std::string> arguments = plan;
    arguments.emplace_back(arcs);
    return Quadhop(arguments);
  };
  EXPECT_EQ(with_arcs("90").code, ExitCode::kDone);
  const Outcome arcs = with_arcs("91");
  EXPECT_EQ(arcs.code, ExitCode::kUsage);
  EXPECT_THAT(arcs.err, HasSubstr("--arcs is 91, but --nodes is 10"));
  EXPECT_THAT(Quadhop({"plan", "--nodes", "10", "--arcs", "9", "--features", "4", "--train-nodes",
                       "6", "--test-nodes", "5"})
                  .err,
              HasSubstr("are 11 together, more than --nodes, 10"));
}

TEST_F(CommandsTest, PlanOfAGraphWithoutFeaturesCountsTheEncodingsInTheirPlace) {
  const Outcome plan = Quadhop({"plan", "--nodes", "1000000", "--arcs", "2000000", "--features",
                                "0", "--dim", "100", "--hops", "1", "--threads", "1"});
  EXPECT_EQ(plan.code, ExitCode::kDone) << plan.err;
  // [N, 2, 100] of f32.
  EXPECT_THAT(plan.out, ContainsRegex("propagate +- +[0-9.]+ GB +0\\.80 GB"));
}

TEST_F(CommandsTest, PlanRefusesRanksThatTrainWouldRefuse) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const Outcome of_store = Quadhop({"plan", "--store", store_, "--ranks", "64"});
  EXPECT_EQ(of_store.code, ExitCode::kUsage);
  EXPECT_THAT(of_store.err,
              AllOf(HasSubstr("--ranks is 64, but " + store_ + " has 2 partitions"),
                    HasSubstr("at most 2 ranks (the store can have 4 partitions"),
                    HasSubstr("quadhop partition --parts 4"), Not(HasSubstr("--parts is"))));
  // 80 of the nodes train.
  const std::vector<std::string> graph = {
      "plan", "--nodes", "1000", "--arcs", "5000", "--features", "4", "--threads", "1", "--ranks"};
  const auto on_ranks = [graph](const char* ranks) {
    std::vector<std::string> arguments = graph;
    arguments.emplace_back(ranks);
    return Quadhop(arguments);
  };
  EXPECT_EQ(on_ranks("5").code, ExitCode::kDone);
  const Outcome too_many = on_ranks("6");
  EXPECT_EQ(too_many.code, ExitCode::kUsage);
  EXPECT_THAT(too_many.err, AllOf(HasSubstr("--ranks is 6"), HasSubstr("5 partitions at most"),
                                  HasSubstr("16 of its 80 training nodes")));
}

TEST_F(CommandsTest, PlanFillsAsMuchOfAHostAsTrainDoes) {
  const auto with_memory = [](const char* memory) {
    return Quadhop({"plan", "--nodes", "1000000", "--arcs", "60000000", "--features", "100",
                    "--set", "train.batch=16", "--threads", "1", "--host-memory", memory})
        .out;
  };
  // 10^10 bytes, of which 1.9 GB are needed.
  EXPECT_THAT(with_memory("10000000000"), HasSubstr("of 8.00 GB, 80 % of its memory"));
  EXPECT_THAT(with_memory("2500000000"), ContainsRegex("MAPPED +1\\.[0-9]+ GB .*  fits"));
  EXPECT_THAT(with_memory("2000000000"), ContainsRegex("MAPPED +1\\.[0-9]+ GB .*does not fit"));
}

TEST_F(CommandsTest, PlanTakesAsManyClassesAsAStoreHolds) {
  EXPECT_EQ(Quadhop({"plan", "--nodes", "100", "--arcs", "500", "--features", "4", "--threads", "1",
                     "--classes", "70000"})
                .code,
            ExitCode::kDone);
}

TEST_F(CommandsTest, StepsOnAStoreThatIsAbsentSayHowToMakeOne) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"partition", "--store", store_},
           {"propagate", "--store", store_},
           {"encode", "--store", store_},
           {"inspect", store_},
           {"verify", store_},
           {"train", "--run", folder_ / "run", "--config", "quickstart", "--store", store_}}) {
    const Outcome outcome = Quadhop(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kFailed) << arguments[0];
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("quadhop prep --from GRAPH --store " + store_),
                                   HasSubstr("quadhop import")))
        << arguments[0];
  }
}

TEST(CommandLine, BenchExchangeShowsWhatRanksSayToEachOther) {
  const Outcome three = Quadhop({"bench", "exchange", "--ranks-in-process", "3", "--threads", "1"});
  EXPECT_EQ(three.code, ExitCode::kDone) << three.err;
  EXPECT_THAT(three.out, AllOf(HasSubstr("3 ranks"), HasSubstr("rows of features, 768 bytes"),
                               HasSubstr("REPRODUCIBLE"), HasSubstr("FAST"), HasSubstr("moments")));
  const Outcome one = Quadhop({"bench", "exchange"});
  EXPECT_NE(one.code, ExitCode::kDone);
  EXPECT_THAT(one.err, HasSubstr("--ranks-in-process 2"));
}

TEST(CommandLine, EachBenchHasFlagsOfItsOwn) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"bench", "exchange", "--store", "x.qh"},
           {"bench", "sampler", "--shape", "products"},
           {"bench", "sampler", "--store", "x.qh", "--nodes", "1000"},
           {"bench", "model", "--ranks-in-process", "2"},
           {"bench", "memory"}})
    EXPECT_EQ(Quadhop(arguments).code, ExitCode::kUsage) << absl::StrJoin(arguments, " ");
  EXPECT_THAT(Quadhop({"bench", "exchange", "--store", "x.qh"}).err,
              HasSubstr("See quadhop bench exchange --help"));
}

TEST(CommandLine, WrongUsageIsItsOwnExitCode) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"importt"},
                                             {"import"},
                                             {"import", "--form", "x"},
                                             {"verify"},
                                             {"partition", "--store", "x", "--parts", "0"},
                                             {"propagate", "--store", "x", "--dtype", "f8"},
                                             {"encode", "--store", "x", "--method", "file"},
                                             {"encode", "--store", "x", "--file", "e.npy"}}) {
    const Outcome outcome = Quadhop(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kUsage);
    EXPECT_THAT(outcome.err, HasSubstr("--help"));
    EXPECT_EQ(outcome.out, "");
  }
}

// Started with others by torchrun, which sets the least of all launchers.
class StartedTogether : public CommandsTest {
 protected:
  Outcome OfTwo(const char* rank, const std::vector<std::string>& arguments) {
    setenv("WORLD_SIZE", "2", 1);
    setenv("RANK", rank, 1);
    Outcome outcome = Quadhop(arguments);
    unsetenv("WORLD_SIZE");
    unsetenv("RANK");
    return outcome;
  }
};

TEST_F(StartedTogether, ProcessesAreRefusedTheWorkOfOneAndOneSaysIt) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"prep", "--from", from_, "--store", store_},
           {"import", "--from", from_, "--store", store_},
           {"synth", "--out", folder_ / "synth"},
           {"export", "--run", folder_ / "run", "--out", folder_ / "m.safetensors"},
           {"inspect", from_},
           {"plan", "--store", store_},
           {"launch", "slurm", "--", "doctor"},
           {"bench", "sampler"}}) {
    const Outcome first = OfTwo("0", arguments), second = OfTwo("1", arguments);
    EXPECT_EQ(first.code, ExitCode::kUsage) << arguments[0];
    EXPECT_EQ(second.code, ExitCode::kUsage) << arguments[0];
    EXPECT_THAT(first.err,
                AllOf(HasSubstr("2 processes were started together, but " + arguments[0]),
                      HasSubstr("start it without mpirun")));
    EXPECT_EQ(second.err + second.out, "");
  }
  EXPECT_FALSE(FileExists(store_));
  EXPECT_FALSE(FileExists(folder_ / "synth"));
  EXPECT_EQ(OfTwo("0", {"prep", "--help"}).code, ExitCode::kDone);
}

TEST_F(StartedTogether, ProcessesAreRefusedRanksInEach) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const std::string run = folder_ / "run";
  const Outcome outcome = OfTwo("0", {"train", "--store", store_, "--config", "quickstart", "--run",
                                      run, "--ranks-in-process", "2"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--ranks-in-process is 2"), HasSubstr("2 processes")));
  EXPECT_FALSE(FileExists(run));
}

TEST(CommandLine, EveryCommandHasHelpWithExamplesOfItself) {
  const Outcome all = Quadhop({"--help"});
  for (const Command& command : Commands()) {
    const std::string name(command.name);
    EXPECT_THAT(all.out, HasSubstr("  " + name + " "));
    const Outcome help = Quadhop({name, "--help"});
    EXPECT_EQ(help.code, ExitCode::kDone);
    EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: quadhop " + name),
                                HasSubstr("Examples:\n  quadhop " + name + " ")));
  }
}

int ExitCodeOf(const std::string& arguments, const std::string& out = "/dev/null") {
  const int status =
      std::system(absl::StrCat(QH_PROGRAM, " ", arguments, " >", out, " 2>/dev/null").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Program, ExitsWithTheCodesOfTheHelp) {
  EXPECT_EQ(ExitCodeOf("--version"), 0);
  EXPECT_EQ(ExitCodeOf("verify /nonexistent.qh"), 1);
  EXPECT_EQ(ExitCodeOf("nonsense"), 2);
}

TEST(Program, FailsIfWhatItPrintsCannotBeWritten) {
  if (!FileExists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  EXPECT_EQ(ExitCodeOf("--version", "/dev/full"), 1);
  EXPECT_EQ(ExitCodeOf("--help", "/dev/full"), 1);
  EXPECT_EQ(ExitCodeOf("nonsense", "/dev/full"), 2);
}

}  // namespace
}  // namespace quadhop
