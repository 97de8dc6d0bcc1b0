// launch/cluster: what stands before and around a job of many ranks. tests/cluster/*.py run jobs.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "core/files/file.h"
#include "launch/cluster/hostfile.h"
#include "launch/cluster/job_words.h"
#include "launch/cluster/mpirun.h"
#include "launch/cluster/restarts.h"
#include "launch/cluster/shell.h"
#include "launch/cluster/supervisor.h"
#include "launch/command_line/flags.h"
#include "launch/commands/launchers.h"
#include "tests/launch/cluster/shell_words.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(ShellWord, IsReadBackByAShellAsItWas) {
  const std::vector<std::string> words = {"plain-1.0/x_y", "",      "two words", "it's",
                                          "$HOME;`id`",    "--set", "a=b\"c\\d"};
  ASSERT_OK_AND_ASSIGN(const ShellOutcome outcome,
                       RunInShell(absl::StrCat("printf '[%s]' ", ShellWords(words))));
  EXPECT_EQ(outcome.output, "[plain-1.0/x_y][][two words][it's][$HOME;`id`][--set][a=b\"c\\d]");
  EXPECT_EQ(ShellWord("plain-1.0/x_y"), "plain-1.0/x_y");
}

TEST(ShellWordOfVariables, IsAsItWasButForVariables) {
  const auto read = [](absl::string_view text) {
    return RunInShell(
               absl::StrCat("A='one two' B=/b; printf '[%s]' ", ShellWordOfVariables(text).value()))
        .value()
        .output;
  };
  EXPECT_EQ(read("$A/${B}c$B"), "[one two//bc/b]");
  EXPECT_EQ(read("/t(m)p/*/it's \"`id`\";\\"), "[/t(m)p/*/it's \"`id`\";\\]");
  EXPECT_THAT(read("/tmp/$NO_SUCH_VARIABLE"),
              AllOf(HasSubstr("NO_SUCH_VARIABLE: is not set"), Not(HasSubstr("["))));
  for (const char* other : {"$(id)", "$", "/a$/b", "$1", "${A", "${A:-b}", "${}", "$$"})
    EXPECT_EQ(ShellWordOfVariables(other), absl::nullopt) << other;
}

TEST(RunInShell, GivesBothStreamsAndTheExitCode) {
  ASSERT_OK_AND_ASSIGN(const ShellOutcome outcome, RunInShell("echo a; echo b >&2; exit 7"));
  EXPECT_EQ(outcome.output, "a\nb");
  EXPECT_EQ(outcome.exit_code, 7);
}

class HostfileTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<Host>> Read(absl::string_view text) {
    QH_CHECK(WriteFileAtomically(path_, text).ok());
    return ReadHostfile(path_);
  }
  TempDir folder_;
  const std::string path_ = folder_ / "hosts";
};

TEST_F(HostfileTest, PassesOverAByteOrderMark) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Host> hosts, Read("\xef\xbb\xbfn1 slots=4\n"));
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(hosts[0].name, "n1");
}

TEST_F(HostfileTest, ReadsNamesSlotsAndComments) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Host> hosts,
                       Read("# ours\nn1 slots=4\n\n  10.0.0.2   # the old one\nn3 slots=2 "
                            "max_slots=8\n"));
  ASSERT_EQ(hosts.size(), 3u);
  EXPECT_EQ(hosts[0].name, "n1");
  EXPECT_EQ(hosts[0].slots, 4);
  EXPECT_EQ(hosts[1].name, "10.0.0.2");
  EXPECT_EQ(hosts[1].slots, 1);
  EXPECT_EQ(hosts[1].line, 4);
  EXPECT_EQ(hosts[2].slots, 2);
  EXPECT_EQ(HostsForMpirun(hosts), "n1:4,10.0.0.2:1,n3:2");
}

TEST_F(HostfileTest, NamesTheLineThatIsWrong) {
  EXPECT_THAT(Read("n1\nn2 slots=0\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hosts:2: slots is '0'")));
  EXPECT_THAT(Read("n1 gpus=8\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hosts:1: 'gpus=8'")));
  EXPECT_THAT(Read("# none\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names no hosts")));
  EXPECT_THAT(ReadHostfile(folder_ / "none"), StatusIs(absl::StatusCode::kNotFound));
}

// An agent in place of ssh that answers for each host as it must for the test.
class CheckHostsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string agent = folder_ / "agent";
    ASSERT_OK(WriteFileAtomically(agent,
                                  "#!/bin/sh\ncase $1 in\n"
                                  "  old) echo quadhop 0.0.0 ;;\n"
                                  "  *) echo No route to host >&2; exit 255 ;;\nesac\n"));
    std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
    setenv("OMPI_MCA_plm_rsh_agent", agent.c_str(), 1);
  }
  void TearDown() override { unsetenv("OMPI_MCA_plm_rsh_agent"); }
  TempDir folder_;
};

TEST_F(CheckHostsTest, SaysALineForEveryHostThatCannotRunTheJob) {
  const std::vector<Host> hosts = {{"localhost", 1, 1}, {"n9", 1, 2}, {"old", 1, 3}};
  EXPECT_THAT(CheckHosts(hosts, ""),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("host n9 (line 2) cannot be reached by "),
                             HasSubstr("(No route to host)"),
                             HasSubstr("\nhost old (line 3) has another version (quadhop 0.0.0)"),
                             Not(HasSubstr("localhost")))));
}

TEST(MpirunCommand, StaysOnThisHostAlsoInAnAllocation) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> command,
                       MpirunCommand({.ranks = 4}, {"train", "--store", "g.qh"}));
  EXPECT_EQ(command.front(), "mpirun");
  EXPECT_THAT(absl::StrJoin(command, " "),
              AllOf(HasSubstr("--bind-to none"), HasSubstr("--oversubscribe"),
                    HasSubstr("--mca ras ^slurm "), HasSubstr("--mca rtc_hwloc_vmhole none"),
                    HasSubstr("--host localhost:4"), HasSubstr("-n 4 ")));
  EXPECT_THAT(std::vector<std::string>(command.end() - 3, command.end()),
              ElementsAre("train", "--store", "g.qh"));
}

TEST(MpirunCommand, HandsNcclVariablesToOtherHosts) {
  setenv("NCCL_SOCKET_IFNAME", "eth7", 1);
  ASSERT_OK_AND_ASSIGN(
      const std::vector<std::string> command,
      MpirunCommand({.ranks = 4, .hosts = "n1:2,n2:2", .network = "10.0.0.0/8"}, {"doctor"}));
  unsetenv("NCCL_SOCKET_IFNAME");
  EXPECT_THAT(absl::StrJoin(command, " "),
              AllOf(HasSubstr("--host n1:2,n2:2"), HasSubstr("-x NCCL_SOCKET_IFNAME"),
                    HasSubstr("btl_tcp_if_include 10.0.0.0/8"), Not(HasSubstr("localhost"))));
}

TEST(MpirunCommand, SaysWhatToInstallWhereThereIsNone) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const auto command = MpirunCommand({.ranks = 4}, {"doctor"});
  setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(command, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("openmpi-bin")));
}

TEST(Jobs, AreResumedAndNeverOverwrittenOnARestart) {
  EXPECT_THAT(WithResume({"train", "--overwrite", "--run", "r", "--set", "a=b"}),
              ElementsAre("train", "--run", "r", "--set", "a=b", "--resume"));
  EXPECT_THAT(WithResume({"train", "--resume", "--overwrite=true"}),
              ElementsAre("train", "--resume"));
}

TEST(Jobs, HaveFlagsInBothSpellings) {
  EXPECT_EQ(FlagOfJob({"train", "--run", "r1", "--store=s.qh"}, "run"), "r1");
  EXPECT_EQ(FlagOfJob({"train", "--run", "r1", "--store=s.qh"}, "store"), "s.qh");
  EXPECT_EQ(FlagOfJob({"train", "--run"}, "run"), "");
}

TEST(Jobs, AreWithoutAFlagInEitherSpelling) {
  EXPECT_THAT(WithoutFlag({"train", "--threads", "3", "--run", "r"}, "threads"),
              ElementsAre("train", "--run", "r"));
  EXPECT_THAT(WithoutFlag({"train", "--threads=3", "--run", "r"}, "threads"),
              ElementsAre("train", "--run", "r"));
}

TEST(Jobs, AreCommandsOfThisProgramAndOnlyTrainIsRestarted) {
  EXPECT_OK(CheckJob({"train"}, 2, 3));
  EXPECT_OK(CheckJob({"eval"}, 2, 0));
  EXPECT_TRUE(IsUsageError(CheckJob({"trian"}, 2, 0)));
  EXPECT_TRUE(IsUsageError(CheckJob({"eval"}, 2, 1)));
}

TEST(Jobs, OfOneProcessHaveOneRank) {
  EXPECT_OK(CheckJob({"prep"}, 1, 0));
  const absl::Status several = CheckJob({"prep"}, 2, 0);
  EXPECT_TRUE(IsUsageError(several));
  EXPECT_THAT(several.message(), HasSubstr("prep is the work of one process, and 2 ranks"));
}

// A job of shell commands in place of mpirun, each start of which is noted in a file.
class RestartsTest : public testing::Test {
 protected:
  absl::StatusOr<ExitCode> Run(int64_t max_restarts, const std::string& script) {
    return Run(max_restarts, script, {"train", "--run", folder_ / "run"});
  }
  absl::StatusOr<ExitCode> Run(int64_t max_restarts, const std::string& script,
                               const JobWords& job) {
    return RunWithRestarts(job, max_restarts,
                           [&](const JobWords& words) -> absl::StatusOr<std::vector<std::string>> {
                             starts_.push_back(words);
                             return std::vector<std::string>{
                                 "sh", "-c", absl::StrCat("cd ", folder_.path(), "\n", script)};
                           });
  }
  std::vector<JobWords> starts_;
  TempDir folder_;
};

TEST_F(RestartsTest, ResumesWhenARankWasKilledUntilTheJobIsDone) {
  EXPECT_THAT(Run(5, "echo x >> log; [ $(wc -l < log) -lt 3 ] || exit 0; exit 137"),
              IsOkAndHolds(ExitCode::kDone));
  ASSERT_EQ(starts_.size(), 3u);
  EXPECT_THAT(starts_[0], Not(Contains("--resume")));
  EXPECT_THAT(starts_[2], Contains("--resume"));
}

TEST_F(RestartsTest, TakeTheConfigOfTheRunOnceItHasBegun) {
  const JobWords job = {"train", "--config", "mine.textproto", "--run", folder_ / "run"};
  const std::string script =
      "echo x >> log\n"
      "[ $(wc -l < log) -lt 2 ] || { mkdir -p run/checkpoints/step-0000000005; }\n"
      "[ $(wc -l < log) -lt 3 ] || exit 0; exit 137";
  EXPECT_THAT(Run(5, script, job), IsOkAndHolds(ExitCode::kDone));
  ASSERT_EQ(starts_.size(), 3u);
  EXPECT_THAT(starts_[1], AllOf(Contains("--resume"), Contains("mine.textproto")));
  EXPECT_THAT(starts_[2], AllOf(Contains("--resume"), Not(Contains("mine.textproto")),
                                Not(Contains("--config"))));
}

TEST_F(RestartsTest, GivesUpAfterSoManyTimesWithTheCodeOfTheLast) {
  EXPECT_THAT(Run(2, "exit 137"), IsOkAndHolds(static_cast<ExitCode>(137)));
  EXPECT_EQ(starts_.size(), 3u);
}

// What train leaves in RUN/metrics.jsonl, and this is how it fails.
std::string Logs(const std::string& lines) {
  return absl::StrCat("mkdir -p run/checkpoints; printf '", lines, "' > run/metrics.jsonl; exit 1");
}
constexpr char kStep0[] = R"({"event":"step","step":0,"epoch":1}\n)";
constexpr char kStep10[] = R"({"event":"step","step":10,"epoch":1}\n)";
constexpr char kBadStep[] = R"({"event":"bad_step","step":20}\n)";

TEST_F(RestartsTest, RestartsAFailureOfAnyOfTheRunsOverSeedsThatGotFurther) {
  // The first start fails in the second run, the others at the same step again.
  const std::string script = absl::StrCat(
      "mkdir -p run/seed-0 run/seed-1; touch run/seed-0/store.txt run/seed-1/store.txt\n"
      "printf '",
      kStep10, "' | tee run/seed-0/metrics.jsonl > run/seed-1/metrics.jsonl; exit 1");
  EXPECT_THAT(Run(3, script), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 2u);
}

TEST_F(RestartsTest, DoesNotRestartAFailureBeforeTheFirstStep) {
  EXPECT_THAT(Run(2, "exit 1"), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 1u);
  // Metrics are begun, and have a line, all the same.
  EXPECT_THAT(Run(2, Logs(absl::StrCat(R"({"event":"start"}\n)", kBadStep))),
              IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 2u);
}

TEST_F(RestartsTest, RestartsAFailureThatGotFurtherOnceForEachPlace) {
  EXPECT_THAT(Run(5, Logs(kStep0)), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 1u + 1u);
  // A resume rewrites the metrics and drops lines of steps that it does again.
  EXPECT_THAT(Run(5, Logs("")), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 2u + 1u);
  EXPECT_THAT(Run(5, Logs(absl::StrCat(kStep0, kStep10))), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 3u + 2u);
  EXPECT_THAT(Run(5, "mkdir -p run/checkpoints/step-0000000015; exit 1"),
              IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 5u + 2u);
}

TEST_F(RestartsTest, FindsTheLastStepOfGigabytesOfMetrics) {
  ASSERT_OK(MakeDirectories(folder_ / "run/checkpoints"));
  EXPECT_THAT(
      Run(5, absl::StrCat("echo >> run/metrics.jsonl; truncate -s 1025M run/metrics.jsonl; ",
                          "printf '\n", kStep10, kBadStep, "' >> run/metrics.jsonl; exit 1")),
      IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 1u + 1u);
}

TEST_F(RestartsTest, DoesNotMeasureARunByTheOneThatItReplaces) {
  const JobWords job = {"train", "--run", folder_ / "run", "--overwrite"};
  ASSERT_OK(MakeDirectories(folder_ / "run/checkpoints/step-0000000015"));
  EXPECT_THAT(Run(5, "exit 1", job), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 1u);  // before it replaced anything
  EXPECT_THAT(Run(5, "rm -rf run; " + Logs(kStep0), job), IsOkAndHolds(ExitCode::kFailed));
  EXPECT_EQ(starts_.size(), 1u + 2u);
}

TEST_F(RestartsTest, TrainingThatDiesOfARequestToStopIsResumable) {
  const std::string script = "kill -TERM $PPID; while :; do sleep 0.02; done";
  EXPECT_THAT(Run(2, script), IsOkAndHolds(ExitCode::kResumable));
  EXPECT_EQ(starts_.size(), 1u);
  EXPECT_THAT(Run(0, script, {"eval"}), IsOkAndHolds(static_cast<ExitCode>(128 + SIGUSR1)));
}

TEST_F(RestartsTest, PassesOnWrongUsageAndAStopOnRequest) {
  EXPECT_THAT(Run(2, "exit 2"), IsOkAndHolds(ExitCode::kUsage));
  EXPECT_THAT(Run(2, "mkdir -p run/checkpoints/step-0000000015; exit 75"),
              IsOkAndHolds(ExitCode::kResumable));
  EXPECT_EQ(starts_.size(), 2u);
}

TEST(Supervisor, HandsARequestToStopOnAsUsr1AndKeepsTheExitCode) {
  for (const char* name : {"USR1", "USR2", "TERM", "INT", "HUP"}) {
    Supervisor supervisor;
    EXPECT_THAT(supervisor.Run({"sh", "-c",
                                absl::StrCat("trap 'exit 75' USR1; kill -", name,
                                             " $PPID; while :; do sleep 0.02; done")}),
                IsOkAndHolds(75));
    EXPECT_TRUE(supervisor.StopRequested());
  }
}

// The exit code of a process that does so, or minus the signal that ended it.
int EndOfProcess(const std::function<int()>& body) {
  const pid_t process = fork();
  if (process == 0) {
    setpgid(0, 0);
    _exit(body());
  }
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// As Ctrl-C in a terminal, or timeout(1), which signals a whole group.
TEST(Supervisor, TakesASignalToItsGroupAsOneRequestToStop) {
  for (const char* name : {"INT", "TERM", "HUP"})
    EXPECT_EQ(EndOfProcess([&] {
                Supervisor supervisor;
                return supervisor
                    .Run({"sh", "-c",
                          absl::StrCat("trap 'exit 75' USR1; trap 'exit 1' INT TERM HUP; kill -",
                                       name, " -$PPID; while :; do sleep 0.02; done")})
                    .value_or(99);
              }),
              75)
        << name;
}

// How a program ends that does not heed such signals and is asked to stop twice.
int EndAskedTwice(const char* signals, Supervisor supervisor) {
  return EndOfProcess([&] {
    return supervisor
        .Run({"sh", "-c",
              absl::StrCat("trap : ", signals,
                           "; kill -INT $PPID; sleep 1.3; kill -INT $PPID; "
                           "while :; do sleep 0.02; done")})
        .value_or(99);
  });
}

TEST(Supervisor, EndsAProgramThatHasNotStoppedWhenItIsAskedAgain) {
  EXPECT_EQ(EndAskedTwice("USR1", Supervisor()), 128 + SIGTERM);
}

TEST(Supervisor, KillsAProgramThatIsNotEndedByThat) {
  EXPECT_EQ(EndAskedTwice("USR1 TERM", Supervisor(absl::Milliseconds(500))), 128 + SIGKILL);
}

// As schedulers warn of a limit, and then of the end.
TEST(Supervisor, TakesUsr1AndUsr2ForOneRequestWheneverTheyCome) {
  EXPECT_EQ(EndOfProcess([] {
              return Supervisor()
                  .Run({"sh", "-c",
                        "trap : USR1; kill -USR1 $PPID; for s in USR1 USR2; do sleep 1.2; "
                        "kill -$s $PPID; done; sleep 0.3; exit 75"})
                  .value_or(99);
            }),
            75);
}

// As mpirun before it has ranks.
TEST(Supervisor, AsksAgainWhereTheProgramDropsARequest) {
  Supervisor supervisor;
  EXPECT_THAT(supervisor.Run({"sh", "-c",
                              "n=0; trap 'n=$((n + 1)); [ $n -lt 2 ] || exit 75' USR1; "
                              "kill -TERM $PPID; while :; do sleep 0.02; done"}),
              IsOkAndHolds(75));
}

TEST(Supervisor, LeavesAnIgnoredHangUpIgnored) {
  EXPECT_EQ(EndOfProcess([] {
              signal(SIGHUP, SIG_IGN);  // nohup
              Supervisor supervisor;
              const int code =
                  supervisor.Run({"sh", "-c", "kill -HUP $PPID; sleep 0.1; exit 3"}).value_or(99);
              return supervisor.StopRequested() ? 98 : code;
            }),
            3);
}

TEST(Supervisor, IsEndedByASignalBetweenPrograms) {
  EXPECT_EQ(EndOfProcess([] {
              Supervisor supervisor;
              (void)supervisor.Run({"true"});
              raise(SIGTERM);
              return 0;
            }),
            -SIGTERM);
}

TEST(Supervisor, GivesTheSignalThatEndedTheProgram) {
  Supervisor supervisor;
  EXPECT_THAT(supervisor.Run({"sh", "-c", "kill -9 $$"}), IsOkAndHolds(128 + 9));
  EXPECT_FALSE(supervisor.StopRequested());
}

TEST(Supervisor, SaysWhenThereIsNoSuchProgram) {
  Supervisor supervisor;
  testing::internal::CaptureStderr();
  EXPECT_THAT(supervisor.Run({"quadhop-no-such-program"}), IsOkAndHolds(127));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("cannot start quadhop-no-such-program"));
}

}  // namespace
}  // namespace quadhop
