#include "launch/cluster/slurm_options.h"

#include <absl/strings/str_cat.h>

#include "launch/cluster/job_words.h"
#include "launch/command_line/flags.h"
#include "tests/launch/cluster/slurm_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(CheckSlurmOptions, RefusesWhatCannotBeCarriedOn) {
  EXPECT_OK(CheckSlurmOptions(Options(), kTrain, "/home/me"));
  EXPECT_TRUE(IsUsageError(CheckSlurmOptions(Options(), {"train", "--store", "g.qh"}, "/home/me")));
  EXPECT_TRUE(IsUsageError(CheckSlurmOptions(
      Options(), {"train", "--store", "g.qh", "--run", "r", "--overwrite"}, "/home/me")));
}

TEST(CheckSlurmOptions, RefusesTextOfSeveralLines) {
  SlurmOptions options = Options();
  options.partition = "a\n#SBATCH b";
  EXPECT_THAT(CheckSlurmOptions(options, kTrain, "/home/me").message(),
              HasSubstr("--partition is 'a\n"));
  EXPECT_THAT(CheckSlurmOptions(Options(), kTrain, "/home/my\nself").message(),
              HasSubstr("/home/my\nself"));
}

absl::Status CheckOfSbatch(const std::string& option) {
  SlurmOptions options = Options();
  options.sbatch = {option};
  return CheckSlurmOptions(options, kTrain, "/home/me");
}

TEST(CheckSlurmOptions, TakesAnyOptionOfSbatchInItsLongForm) {
  for (const char* option : {"--constraint=a100|h100&ib", "--comment=it's \"a\" #b\\",
                             "--no-requeue", "--output=mine.log", "--signal=B:USR1@600"})
    EXPECT_OK(CheckOfSbatch(option));
  for (const char* option :
       {"constraint=a100", "-C a100", "--constraint a100", "--", "--=a", "--comment=a\n#SBATCH b"})
    EXPECT_THAT(CheckOfSbatch(option).message(),
                AllOf(HasSubstr(absl::StrCat("--sbatch is '", option, "'")),
                      HasSubstr("--OPTION or --OPTION=VALUE")));
}

TEST(CheckSlurmOptions, RefusesOptionsOfSbatchThatTheScriptReckonsWith) {
  EXPECT_THAT(CheckOfSbatch("--ntasks-per-node=4").message(), HasSubstr("give --ranks-per-node"));
  EXPECT_THAT(CheckOfSbatch("--time=5").message(), HasSubstr("give --time"));
}

TEST(CheckSlurmOptions, RefusesASignalThatDoesNotAskATrainingScriptForACheckpoint) {
  for (const char* signal :
       {"USR1@600", "B:USR1", "B:USR1@", "B:USR1@0", "B:TERM@60", "B:USR1@65536"})
    EXPECT_THAT(CheckOfSbatch(absl::StrCat("--signal=", signal)).message(),
                AllOf(HasSubstr(absl::StrCat("--sbatch is '--signal=", signal, "'")),
                      HasSubstr("--signal=B:USR1@SECONDS")));
  SlurmOptions options = Options();
  options.sbatch = {"--signal=INT@60"};
  EXPECT_OK(CheckSlurmOptions(options, {"doctor"}, "/home/me"));
}

TEST(CheckSlurmOptions, TakesTheTimesThatSlurmTakes) {
  SlurmOptions options = Options();
  for (const char* time :
       {"90", "90:30", "12:00:00", "2-12", "2-12:30", "2-12:30:00", "infinite"}) {
    options.time = time;
    EXPECT_OK(CheckSlurmOptions(options, kTrain, "/home/me"));
  }
  for (const char* time :
       {"12x", "1:2:3:4", "2-", "-3", "2-1:2:3:4", "1-2-3", "1::2", "12h", ":"}) {
    options.time = time;
    const absl::Status refused = CheckSlurmOptions(options, kTrain, "/home/me");
    EXPECT_TRUE(IsUsageError(refused)) << time;
    EXPECT_THAT(refused.message(), AllOf(HasSubstr(absl::StrCat("--time is '", time, "'")),
                                         HasSubstr("days-hours:minutes:seconds")));
  }
}

TEST(CheckSlurmOptions, RefusesATimeThatLeavesTrainingNone) {
  SlurmOptions options = Options();
  const auto check = [&options](const char* time, const JobWords& job) {
    options.time = time;
    return CheckSlurmOptions(options, job, "/home/me");
  };
  for (const char* time : {"1", "3", "00:02:00", "3:00", "0-0:03"})
    EXPECT_THAT(check(time, kTrain).message(),
                AllOf(HasSubstr(absl::StrCat("--time is '", time, "'")), HasSubstr("120 s before"),
                      HasSubstr("at least 4 minutes")));
  for (const char* time : {"4", "3:01", "00:03:01", "0-1", "0", "infinite"})
    EXPECT_OK(check(time, kTrain));
  EXPECT_OK(check("1", {"doctor"}));
  options.sbatch = {"--signal=B:USR1@600"};
  EXPECT_THAT(check("11", kTrain).message(),
              AllOf(HasSubstr("600 s before"), HasSubstr("at least 12 minutes")));
  EXPECT_OK(check("12", kTrain));
  options.sbatch = {"--signal=B:USR1@30"};
  EXPECT_OK(check("2", kTrain));
}

TEST(CheckSlurmOptions, RefusesToStageToWhatIsNoFolderOfANode) {
  SlurmOptions options = Options();
  for (const char* folder : {"/tmp", "/t mp/a(b)*", "$TMPDIR", "${TMPDIR}/a", "/scratch/$USER"}) {
    options.stage_to = folder;
    EXPECT_OK(CheckSlurmOptions(options, kTrain, "/home/me"));
  }
  for (const char* folder : {"tmp", "./tmp", "~/tmp", "/tmp/$(id)", "/tmp/${A:-b}", "/tmp/$1"}) {
    options.stage_to = folder;
    EXPECT_THAT(CheckSlurmOptions(options, kTrain, "/home/me").message(),
                AllOf(HasSubstr(absl::StrCat("--stage-to is '", folder, "'")),
                      HasSubstr("an absolute path, in which $NAME")));
  }
}

TEST(CheckSlurmOptions, RefusesArraysOfOneRunAndTimesAndNamesThatBreakTheScript) {
  SlurmOptions options = Options();
  for (const char* option : {"--array=1-3", "--time-min=10"}) {
    options.sbatch = {option};
    EXPECT_TRUE(IsUsageError(CheckSlurmOptions(options, kTrain, "/home/me"))) << option;
    EXPECT_OK(CheckSlurmOptions(options, {"doctor"}, "/home/me"));
  }
  options = Options();
  options.name = "a/b";
  EXPECT_THAT(CheckSlurmOptions(options, kTrain, "/home/me").message(),
              HasSubstr("--name is 'a/b'"));
}

TEST(CheckSlurmOptions, TakesARunThatIsResumedWithoutItsStore) {
  EXPECT_OK(CheckSlurmOptions(Options(), {"train", "--run", "r", "--resume"}, "/home/me"));
  EXPECT_THAT(CheckSlurmOptions(Options(), {"train", "--run", "r"}, "/home/me").message(),
              HasSubstr("--store"));
}

TEST(CheckSlurmOptions, RefusesToStageWithoutAStore) {
  SlurmOptions options = Options();
  options.stage_to = "/local";
  EXPECT_THAT(CheckSlurmOptions(options, {"doctor"}, "/home/me").message(),
              HasSubstr("--stage-to is /local, but doctor is given no --store"));
  EXPECT_OK(CheckSlurmOptions(options, {"doctor", "--store", "g.qh"}, "/home/me"));
}

}  // namespace
}  // namespace quadhop
