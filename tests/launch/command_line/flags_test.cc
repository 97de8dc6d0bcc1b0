#include "launch/command_line/flags.h"

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Targets {
  std::string store;
  std::string method = "metis";
  std::vector<std::string> set;
  int64_t parts = 4;
  uint64_t seed = 0;
  double imbalance = 1.05;
  int64_t memory = 0;
  bool json = false;
};

Flags MakeFlags(Targets* t) {
  Flags flags("cut", "Cuts a store.");
  flags.Positional("STORE", &t->store, "the store").Required();
  flags.Choice("method", &t->method, {"metis", "hash"}, "how");
  flags.Strings("set", &t->set, "A=B", "a setting");
  flags.Int("parts", &t->parts, int64_t{1}, int64_t{64}, "how many");
  flags.Unsigned("seed", &t->seed, "of randomness");
  flags.Double("imbalance", &t->imbalance, 1, 2, "how uneven");
  flags.Bytes("memory", &t->memory, "at most");
  flags.Switch("json", &t->json, "as JSON");
  flags.Example("cut a.qh --parts 8");
  return flags;
}

TEST(Flags, ParsesBothSpellingsOfEveryType) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"a.qh", "--method", "HASH", "--set", "x=1", "--set", "y=2", "--parts", "8", "--seed",
            "18446744073709551615", "--imbalance", "1.5", "--memory", "2G", "--json"},
           {"--method=hash", "--set=x=1", "--set=y=2", "--parts=8", "--seed=18446744073709551615",
            "--imbalance=1.5", "--memory=2g", "--json=true", "--", "a.qh"}}) {
    Targets t;
    ASSERT_OK_AND_ASSIGN(const bool proceed, MakeFlags(&t).Parse(arguments));
    EXPECT_TRUE(proceed);
    EXPECT_EQ(t.store, "a.qh");
    EXPECT_EQ(t.method, "hash");
    EXPECT_THAT(t.set, ElementsAre("x=1", "y=2"));
    EXPECT_EQ(t.parts, 8);
    EXPECT_EQ(t.seed, UINT64_MAX);
    EXPECT_EQ(t.imbalance, 1.5);
    EXPECT_EQ(t.memory, int64_t{2} << 30);
    EXPECT_TRUE(t.json);
  }
}

TEST(Flags, KeepsDefaultsOfFlagsNotGiven) {
  Targets t;
  ASSERT_OK(MakeFlags(&t).Parse({"a.qh"}));
  EXPECT_EQ(t.method, "metis");
  EXPECT_EQ(t.parts, 4);
  EXPECT_FALSE(t.json);
}

TEST(Flags, NamesFlagValueAndWhatIsAllowed) {
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
  };
  for (const Case& c : std::vector<Case>{
           {{"a.qh", "--parts", "65"}, "--parts is '65'; allowed: a whole number in [1, 64]"},
           {{"a.qh", "--parts", "two"}, "--parts is 'two'; allowed: a whole number in [1, 64]"},
           {{"a.qh", "--method", "rcm"}, "--method is 'rcm'; allowed: metis, hash"},
           {{"a.qh", "--seed", "-1"}, "--seed is '-1'"},
           {{"a.qh", "--imbalance", "nan"}, "--imbalance is 'nan'; allowed: a number in [1, 2]"},
           {{"a.qh", "--memory", "8Q"}, "--memory is '8Q'"},
           {{"a.qh", "--json=perhaps"}, "--json is 'perhaps'"},
           {{"a.qh", "--parts"}, "--parts needs a value"},
           {{"a.qh", "--parts", "--seed", "1"}, "--parts needs a value before --seed"},
           {{"a.qh", "--parts", "--seed=1"}, "--parts needs a value before --seed=1"},
           {{"a.qh", "--parts=2", "--parts=3"}, "--parts is given twice"},
           {{"a.qh", "--part", "2"}, "there is no flag --part; did you mean --parts?"},
           {{"a.qh", "b.qh"}, "no place for the argument 'b.qh'"},
           {{}, "needs STORE: the store"}}) {
    Targets t;
    const absl::StatusOr<bool> result = MakeFlags(&t).Parse(c.arguments);
    EXPECT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
    EXPECT_TRUE(IsUsageError(result.status())) << c.message;
  }
}

TEST(Flags, HelpShowsEveryFlagItsDefaultAndTheExamples) {
  Targets t;
  Flags flags = MakeFlags(&t);
  EXPECT_THAT(flags.Help(), AllOf(HasSubstr("Cuts a store."),
                                  HasSubstr("Usage: quadhop cut STORE [--method metis|hash]"),
                                  HasSubstr("how many. Default: 4"), HasSubstr("(may be repeated)"),
                                  HasSubstr("Examples:\n  quadhop cut a.qh --parts 8")));
  const std::string help = flags.Help();
  testing::internal::CaptureStdout();
  ASSERT_OK_AND_ASSIGN(const bool proceed, flags.Parse({"--parts", "3", "--help"}));
  EXPECT_FALSE(proceed);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), help);
}

TEST(Flags, HelpShowsTheWaysOfACommandThatHasSeveral) {
  Targets t;
  Flags flags = MakeFlags(&t);
  flags.Usage("STORE --parts PARTS [...]").Usage("STORE --json [...]");
  EXPECT_THAT(flags.Help(), HasSubstr("\n\nUsage: quadhop cut STORE --parts PARTS [...]\n"
                                      "       quadhop cut STORE --json [...]\n\n"));
}

TEST(Flags, HelpShowsNoDefaultThatCannotBeGiven) {
  int64_t nodes = 0;
  double degree = 0;
  Flags flags("grow", "Grows a graph.");
  flags.Int("nodes", &nodes, int64_t{2}, int64_t{9}, "nodes").Double("degree", &degree, 1, 9, "d");
  EXPECT_THAT(flags.Help(), Not(HasSubstr("Default")));
}

TEST(Flags, NamesFlagsThatExcludeEachOther) {
  Targets t;
  Flags flags = MakeFlags(&t);
  ASSERT_OK(flags.Parse({"a.qh", "--parts", "8", "--seed=3"}));
  EXPECT_OK(flags.CheckExcluded("parts", {"method", "memory"}));
  EXPECT_OK(flags.CheckExcluded("method", {"parts", "seed"}));
  const absl::Status both = flags.CheckExcluded("parts", {"method", "seed"});
  EXPECT_TRUE(IsUsageError(both));
  EXPECT_THAT(both.message(), HasSubstr("--parts and --seed are given"));
}

TEST(Flags, HandsOnTheRestOfTheLineAsItIs) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"-n", "4", "--", "train", "--ranks", "9", "--help", "-n"},
           {"--ranks=4", "train", "--ranks", "9", "--help", "-n"}}) {
    int64_t ranks = 0;
    std::vector<std::string> rest;
    Flags flags("run", "Runs.");
    flags.Int("ranks", &ranks, int64_t{1}, int64_t{64}, "how many").Letter('n');
    flags.Rest("COMMAND", &rest, "what to run").Required();
    ASSERT_OK_AND_ASSIGN(const bool proceed, flags.Parse(arguments));
    EXPECT_TRUE(proceed);
    EXPECT_EQ(ranks, 4);
    EXPECT_THAT(rest, ElementsAre("train", "--ranks", "9", "--help", "-n"));
    EXPECT_THAT(flags.Help(), HasSubstr("Usage: quadhop run [-n|--ranks N] COMMAND..."));
  }
}

TEST(Flags, WritesASectionOfAManualPage) {
  Targets t;
  EXPECT_THAT(MakeFlags(&t).Help(HelpFormat::kMan),
              AllOf(HasSubstr(".SS quadhop cut\n.ad l\nCuts a store.\n"),
                    HasSubstr(".B \\-\\-method \\fI\\%metis|\\:\\%hash\\fR\nhow."),
                    HasSubstr(".B \\-\\-parts \\fIN\\fR\nhow many. Default: 4.\n"),
                    HasSubstr(".B STORE\nthe store. Required.\n"),
                    HasSubstr("quadhop cut a.qh \\-\\-parts 8")));
}

TEST(ParseBytes, RefusesWhatDoesNotFit64Bits) {
  int64_t bytes = 0;
  EXPECT_TRUE(ParseBytes("8388607T", &bytes));
  EXPECT_EQ(bytes, int64_t{8388607} << 40);
  EXPECT_FALSE(ParseBytes("8388608T", &bytes));
  EXPECT_FALSE(ParseBytes("-1", &bytes));
  EXPECT_FALSE(ParseBytes("", &bytes));
  EXPECT_FALSE(ParseBytes("G", &bytes));
}

}  // namespace
}  // namespace quadhop
