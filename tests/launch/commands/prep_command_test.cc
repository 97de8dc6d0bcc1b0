// What prep does, plans, skips and makes anew.
#include <filesystem>

#include "core/arrays/npy.h"
#include "core/files/file.h"
#include "tests/launch/commands/commands_fixture.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

using PrepCommandTest = CommandsTest;

TEST_F(PrepCommandTest, DoesOnlyWhatIsNotDone) {
  const Outcome first = Prep();
  ASSERT_EQ(first.code, ExitCode::kDone) << first.err;
  EXPECT_THAT(first.out, Not(HasSubstr("skipped")));
  const Outcome second = Prep();
  EXPECT_EQ(second.code, ExitCode::kDone) << second.err;
  EXPECT_THAT(second.out, Not(HasSubstr("done")));
  const Outcome third = Prep({"--hops", "1"});
  EXPECT_THAT(third.out,
              AllOf(ContainsRegex("import +skipped"), ContainsRegex("partition +skipped"),
                    ContainsRegex("encode +skipped"), ContainsRegex("propagate +done")));
  EXPECT_EQ(Inspect()["hops"], 1);
}

TEST_F(PrepCommandTest, PropagatesAnewWhatIsToBeStandardized) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  EXPECT_THAT(Prep({"--standardize"}).out,
              AllOf(ContainsRegex("encode +skipped"),
                    ContainsRegex("propagate +done .*\n.*standardize=true")));
  EXPECT_EQ(Inspect()["steps"]["propagate"], "hops=2 dtype=f32 standardize=true");
  EXPECT_THAT(Prep({"--standardize"}).out, Not(HasSubstr("done")));
  EXPECT_THAT(Prep().out, ContainsRegex("propagate +done"));
}

TEST_F(PrepCommandTest, PropagatesAnewWhatHoldsEncodingsWhereTheseAre) {
  ASSERT_EQ(Prep({"--with-encodings"}).code, ExitCode::kDone);
  EXPECT_EQ(Inspect()["features_with_encodings"], true);
  EXPECT_THAT(Prep({"--with-encodings"}).out, Not(HasSubstr("done")));
  const auto wider = [&] { return Prep({"--with-encodings", "--encode-method", "svd"}).out; };
  EXPECT_THAT(wider(), AllOf(ContainsRegex("partition +skipped"), ContainsRegex("encode +done"),
                             ContainsRegex("propagate +done .*\n.*with-encodings=true")));
  Damage("pos_enc.npy");
  EXPECT_THAT(wider(), AllOf(ContainsRegex("partition +skipped"), ContainsRegex("encode +done")));
  EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone);
  EXPECT_THAT(Prep().out, ContainsRegex("propagate +done"));
  EXPECT_EQ(Inspect()["features_with_encodings"], false);
}

TEST_F(PrepCommandTest, MakesADamagedStoreAnew) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  Damage("indices.npy");
  const Outcome outcome = Prep();
  EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("damaged"), HasSubstr("indices.npy"), Not(HasSubstr("skipped"))));
  EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone);
}

TEST_F(PrepCommandTest, MakesAgainWhatIsMissingAndNoMore) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  for (const char* lost : {"features.npy", "features.npy.xxh3"}) {
    std::filesystem::remove(store_ + "/" + lost);
    const Outcome outcome = Prep();
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    EXPECT_THAT(outcome.out,
                AllOf(HasSubstr("damaged"), ContainsRegex("import +skipped"),
                      ContainsRegex("encode +skipped"), ContainsRegex("propagate +done")));
  }
  Damage("store.textproto");
  EXPECT_THAT(Prep().out, AllOf(HasSubstr("damaged"), ContainsRegex("import +done")));
  EXPECT_EQ(Quadhop({"verify", store_}).code, ExitCode::kDone);
}

TEST_F(PrepCommandTest, ImportsAnewWhatHasChangedUnderTheSamePath) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  Write("split/time/test.csv", "90\n");
  const Outcome outcome = Prep();
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("input has changed"), Not(HasSubstr("skipped"))));
  EXPECT_EQ(Inspect()["test"], 1);
}

TEST_F(PrepCommandTest, DoesNotReplaceAStoreOfOtherInputs) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const std::string manifest = *ReadFile(store_ + "/store.textproto");
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n1 2\n2 0\n"));
  for (const char* flag : {"--dry-run", "--directed"}) {
    const Outcome outcome =
        Quadhop({"prep", "--from", folder_ / "arcs.txt", "--store", store_, flag});
    EXPECT_EQ(outcome.code, ExitCode::kFailed);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("was imported from other inputs"), HasSubstr(from_),
                                   HasSubstr("arcs.txt"), HasSubstr("another --store")));
  }
  EXPECT_EQ(*ReadFile(store_ + "/store.textproto"), manifest);
  std::filesystem::rename(from_, folder_ / "moved");
  const Outcome moved =
      Quadhop({"prep", "--from", folder_ / "moved", "--store", store_, "--parts", "2"});
  EXPECT_EQ(moved.code, ExitCode::kDone) << moved.err;
  EXPECT_THAT(moved.out, Not(HasSubstr("done"))) << "the same graph elsewhere";
}

TEST_F(PrepCommandTest, DoesNotReplaceADamagedStoreOfOtherInputs) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n1 2\n2 0\n"));
  const auto prep = [&](const char* flag) {
    return Quadhop({"prep", "--from", folder_ / "arcs.txt", "--store", store_, flag});
  };
  Damage("labels.npy");
  for (const char* flag : {"--dry-run", "--directed"})
    EXPECT_THAT(prep(flag).err, HasSubstr("was imported from other inputs"));
  std::filesystem::remove(store_ + "/indptr.npy");
  for (const char* flag : {"--dry-run", "--directed"})
    EXPECT_THAT(prep(flag).err, HasSubstr("was imported from other inputs"));
  EXPECT_EQ(Prep().code, ExitCode::kDone);
  EXPECT_EQ(Inspect()["nodes"], 100);
}

TEST_F(PrepCommandTest, TakesAPathInAnotherSpellingForTheSame) {
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n1 2\n2 0\n"));
  const std::vector<int64_t> labels = {0, 1, 0};
  ASSERT_OK(WriteNpy(folder_ / "y.npy", DType::kI64, {3}, labels.data()));
  const auto prep = [&](const std::string& from, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"prep",  "--from", from,      "--store", store_,
                                          "--dim", "2",      "--parts", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments).out;
  };
  const std::string relative = std::filesystem::relative(folder_.path());
  ASSERT_THAT(prep(relative + "/arcs.txt", {"--labels", folder_ / "y.npy"}),
              HasSubstr("import     done"));
  EXPECT_THAT(prep(folder_ / "./arcs.txt", {"--labels", relative + "/.//y.npy"}),
              HasSubstr("import     skipped"));
  EXPECT_THAT(prep(folder_ / "arcs.txt", {}), HasSubstr("import     done"));
  std::filesystem::remove_all(store_);
  ASSERT_THAT(prep(from_ + "/", {}), HasSubstr("import     done"));
  EXPECT_THAT(prep(from_, {}), HasSubstr("import     skipped"));
  Write("split/time/test.csv", "90\n");
  EXPECT_THAT(prep(from_, {}), HasSubstr("input has changed"));
}

TEST_F(PrepCommandTest, ImportsTablesAnewWhereAnotherColumnIsTaken) {
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.csv", "src,dst\na,b\nb,c\n"));
  ASSERT_OK(
      WriteFileAtomically(folder_ / "nodes.csv", "login,kind,x,z\na,u,1,2\nb,v,3,4\nc,u,5,6\n"));
  const auto prep = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"prep",
                                          "--from",
                                          folder_ / "arcs.csv",
                                          "--nodes",
                                          folder_ / "nodes.csv",
                                          "--store",
                                          store_,
                                          "--dim",
                                          "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  };
  const std::vector<std::string> flags = {"--id", "login", "--label", "kind", "--leave-out", "z"};
  const Outcome first = prep(flags);
  ASSERT_EQ(first.code, ExitCode::kDone) << first.err;
  EXPECT_THAT(first.out, HasSubstr("names in login, labels in kind, 1 feature: x; not used: z"));
  EXPECT_EQ(Inspect()["steps"]["import"],
            "format=tables directed=false seed=0 id=login label=kind leave-out=z");
  EXPECT_THAT(prep(flags).out, HasSubstr("import     skipped"));
  EXPECT_THAT(prep({"--one-hot", "kind", "--one-hot", "z"}).out, HasSubstr("import     done"));
  EXPECT_EQ(Inspect()["steps"]["import"], "format=tables directed=false seed=0 one-hot=kind,z");
  EXPECT_EQ(Inspect()["features"], 6);  // x, 3 of z, 2 of kind
  EXPECT_THAT(prep({"--label", "kind"}).out, HasSubstr("import     done"));
  EXPECT_EQ(Inspect()["features"], 2);
  ASSERT_OK(
      WriteFileAtomically(folder_ / "nodes.csv", "login,kind,x,z\na,u,1,2\nb,v,3,4\nc,u,5,7\n"));
  EXPECT_THAT(prep({"--label", "kind"}).out, HasSubstr("input has changed"));
}

TEST_F(PrepCommandTest, ReversesArcsAsIfTheyStoodSoInTheInput) {
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n0 2\n3 2\n"));
  ASSERT_OK(WriteFileAtomically(folder_ / "swapped.txt", "1 0\n2 0\n2 3\n"));
  const auto import = [&](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"import", "--from", folder_ / name, "--store", store_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  };
  const auto topology = [&] {
    return *ReadFile(store_ + "/indptr.npy") + *ReadFile(store_ + "/indices.npy");
  };
  EXPECT_THAT(import("arcs.txt", {"--directed"}).out,
              HasSubstr("3 arcs (directed): a node reads the nodes that its arcs lead to"));
  const std::string as_it_is = topology();
  EXPECT_THAT(import("arcs.txt", {"--directed", "--reverse"}).out,
              AllOf(HasSubstr("a node reads the nodes from which arcs lead to it"),
                    HasSubstr("nodes without in-neighbours: 2\n")));
  const std::string reversed = topology();
  EXPECT_EQ(Inspect()["steps"]["import"], "format=edge-list directed=true reverse=true seed=0");
  ASSERT_EQ(import("swapped.txt", {"--directed"}).code, ExitCode::kDone);
  EXPECT_EQ(reversed, topology());
  EXPECT_NE(reversed, as_it_is);
}

TEST_F(PrepCommandTest, MakesTheStoreAnewWhereArcsAreToBeReversed) {
  ASSERT_EQ(Prep({"--directed"}).code, ExitCode::kDone);
  EXPECT_THAT(Prep({"--directed", "--reverse"}).out,
              AllOf(HasSubstr("made anew"), Not(HasSubstr("skipped"))));
  EXPECT_THAT(Prep({"--directed", "--reverse"}).out, Not(HasSubstr("done")));
}

TEST_F(PrepCommandTest, RefusesToReverseAnUndirectedGraph) {
  const Outcome outcome = Prep({"--reverse"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--reverse"), HasSubstr("--directed")));
}

TEST_F(PrepCommandTest, ADryRunFindsInputsThatAreAbsent) {
  for (const char* flag : {"--labels", "--splits", "--features"}) {
    const Outcome outcome = Prep({"--dry-run", flag, folder_ / "absent.npy"});
    EXPECT_EQ(outcome.code, ExitCode::kFailed) << flag;
    EXPECT_THAT(outcome.err, AllOf(HasSubstr(flag), HasSubstr("absent.npy")));
  }
  EXPECT_EQ(Quadhop({"prep", "--dry-run", "--from", folder_ / "absent", "--store", store_}).code,
            ExitCode::kFailed);
  EXPECT_EQ(Prep({"--dry-run"}).code, ExitCode::kDone);
}

TEST_F(PrepCommandTest, ADryRunPlansWhatIsNotDoneAndChangesNothing) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  std::filesystem::remove(store_ + "/features.npy");
  const Outcome lacking = Prep({"--dry-run"});
  EXPECT_EQ(lacking.code, ExitCode::kDone);
  EXPECT_THAT(lacking.out, AllOf(HasSubstr("done before: import, partition, encode\n"),
                                 HasSubstr("\npropagate "), Not(HasSubstr("\nencode "))));
  EXPECT_FALSE(FileExists(store_ + "/features.npy"));
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const Outcome done = Prep({"--dry-run"});
  EXPECT_EQ(done.out, "done before: import, partition, encode, propagate\n");
  EXPECT_THAT(Prep({"--dry-run", "--directed"}).out,
              AllOf(HasSubstr("\nimport "), HasSubstr("\npropagate "), Not(HasSubstr("done"))));
}

TEST_F(PrepCommandTest, ADryRunPlansHopsOfNewEncodingsThatStandForFeatures) {
  std::filesystem::remove(from_ + "/raw/node-feat.csv");
  ASSERT_EQ(Prep({"--dim", "2"}).code, ExitCode::kDone);
  EXPECT_THAT(Prep({"--dim", "3", "--dry-run"}).out,
              AllOf(HasSubstr("done before: import, partition\n"), HasSubstr("\nencode "),
                    HasSubstr("\npropagate ")));
}

TEST_F(PrepCommandTest, ADryRunSaysWhyThereIsNoPlan) {
  const std::vector<int64_t> arcs = {0, 1, 1, 2};
  ASSERT_OK(WriteNpy(folder_ / "arcs.npy", DType::kI64, {2, 2}, arcs.data()));
  for (const char* command : {"prep", "import"})
    EXPECT_EQ(
        Quadhop({command, "--from", folder_ / "arcs.npy", "--store", store_, "--dry-run"}).out,
        "the input does not say how large it is: no plan before it is imported\n")
        << command;
}

TEST_F(PrepCommandTest, RefusesAGraphThatNoMachineHolds) {
  const std::string number = absl::StrCat(int64_t{1} << 62);
  ASSERT_OK(WriteFileAtomically(
      folder_ / "a.mtx", absl::StrCat("%%MatrixMarket matrix coordinate pattern general\n", number,
                                      " ", number, " ", number, "\n1 1\n")));
  const Outcome outcome =
      Quadhop({"prep", "--from", folder_ / "a.mtx", "--store", store_, "--dry-run"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.out,
              AllOf(ContainsRegex("import .*needs more\n"), Not(ContainsRegex("-[0-9]"))));
}

TEST_F(PrepCommandTest, RefusesNothingByAnEstimate) {
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n1 2\n2 0\n"));
  for (const char* command : {"prep", "import"}) {
    const Outcome outcome = Quadhop({command, "--from", folder_ / "arcs.txt", "--store", store_,
                                     "--memory", "1M", "--dry-run"});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("it may have 3 nodes and 6 arcs\n"),
                                   ContainsRegex("import .*needs more\n")))
        << command;
  }
}

// Whatever its format says of its size.
TEST_F(PrepCommandTest, PlansAStepBeforeItIsDone) {
  ASSERT_OK(WriteFileAtomically(folder_ / "arcs.txt", "0 1\n1 2\n2 0\n"));
  const auto prep = [&](const std::string& imbalance) {
    return Quadhop({"prep", "--from", folder_ / "arcs.txt", "--store", store_, "--dim", "2",
                    "--parts", "1", "--imbalance", imbalance});
  };
  ASSERT_EQ(prep("0.05").code, ExitCode::kDone);
  const std::string again = prep("0.06").out;
  EXPECT_LT(again.find("memory allowed"), again.find("partition  done")) << again;
  EXPECT_THAT(again, HasSubstr("metis: 1 part\n"));
}

TEST_F(PrepCommandTest, RefusesBeforeItWorksWhatCannotWork) {
  const Outcome outcome =
      Prep({"--encode-method", "file", "--encode-file", folder_ / "absent.npy"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("absent.npy"));
  EXPECT_FALSE(FileExists(store_));
}

}  // namespace
}  // namespace quadhop
