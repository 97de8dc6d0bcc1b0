// What the script says; tests/cluster/slurm_job.py has a real Slurm run it.
#include "launch/cluster/slurm_script.h"

#include <filesystem>

#include "core/files/file.h"
#include "launch/cluster/shell.h"
#include "launch/json/json_object.h"
#include "launch/ranks/gpus.h"
#include "tests/launch/cluster/slurm_testing.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void ExpectBashReadsIt(const std::string& script) {
  const TempDir folder;
  ASSERT_OK(WriteFileAtomically(folder / "job", script));
  ASSERT_OK_AND_ASSIGN(const ShellOutcome read, RunInShell("bash -n " + folder / "job"));
  EXPECT_EQ(read.exit_code, 0) << read.output << script;
}

TEST(SlurmScript, HasWhatATrainingJobNeeds) {
  const std::string script = SlurmScript(Options(), kTrain, "/home/me", "/opt/quadhop");
  EXPECT_THAT(script,
              AllOf(HasSubstr("#SBATCH --nodes=2\n"), HasSubstr("#SBATCH --requeue\n"),
                    HasSubstr("#SBATCH --signal=B:USR1@120"), HasSubstr("SLURM_RESTART_COUNT"),
                    HasSubstr("#SBATCH --ntasks-per-node=2\n"), HasSubstr("--exclusive"),
                    HasSubstr("#SBATCH --chdir=/home/me\n"), HasSubstr("  --resume\n"),
                    HasSubstr("  --run 'runs/my run'\n"), HasSubstr("/opt/quadhop train\n"),
                    HasSubstr("#SBATCH --open-mode=append"), Not(HasSubstr("--gpus"))));
  ExpectBashReadsIt(script);
}

// The script's own words, run on a folder.
std::string StepsDoneByScript(const std::string& run) {
  const std::string script =
      SlurmScript(Options(), {"train", "--store", "g.qh", "--run", run}, "/", "/opt/quadhop");
  const size_t begin = script.find("run="), end = script.find("before=");
  return RunInShell(script.substr(begin, end - begin) + "steps_done").value().output;
}

TEST(SlurmScript, MeasuresARunByItsNewestCheckpointOrLastStep) {
  const TempDir folder;
  const std::string run = folder / "my run";
  EXPECT_EQ(StepsDoneByScript(run), "0");
  ASSERT_OK(MakeDirectories(run + "/checkpoints"));
  ASSERT_OK(WriteFileAtomically(run + "/metrics.jsonl",
                                "{\"event\":\"start\"}\n{\"event\":\"bad_step\",\"step\":70}\n"));
  EXPECT_EQ(StepsDoneByScript(run), "0");
  ASSERT_OK(WriteFileAtomically(run + "/checkpoints/latest", "step-0000000075\n"));
  EXPECT_EQ(StepsDoneByScript(run), "75");  // without links
  ASSERT_OK(RemoveFileIfPresent(run + "/checkpoints/latest"));
  std::filesystem::create_symlink("step-0000000080", run + "/checkpoints/latest");
  EXPECT_EQ(StepsDoneByScript(run), "80");
  const std::string step =
      JsonObject().Add("event", "step").Add("step", int64_t{80}).Add("epoch", 3).ToString();
  ASSERT_OK(WriteFileAtomically(run + "/metrics.jsonl", step + "\n"));
  EXPECT_EQ(StepsDoneByScript(run), "81");
  // Runs over seeds and splits count together.
  const std::string many = folder / "many";
  for (const char* one : {"seed-0", "seed-1", "split-a", "split-b/seed-0"})
    ASSERT_OK(MakeDirectories(many + "/" + one));
  EXPECT_EQ(StepsDoneByScript(many), "0");
  for (const char* one : {"seed-0", "split-a", "split-b/seed-0"})
    ASSERT_OK(WriteFileAtomically(many + "/" + one + "/metrics.jsonl", step + "\n"));
  EXPECT_EQ(StepsDoneByScript(many), "243");
}

// The script's own words, up to the start of the job.
std::string ConfigOfStart(int restarts, const std::string& run) {
  const std::string script = SlurmScript(
      Options(), {"train", "--config", "my own.textproto", "--run", run}, "/", "/opt/quadhop");
  const size_t begin = script.find("run="), end = script.find("code=75");
  const TempDir folder;
  EXPECT_OK(WriteFileAtomically(
      folder / "start.sh",
      absl::StrCat("restarts=", restarts, "\n", script.substr(begin, end - begin),
                   "printf '<%s>' \"${config[@]}\"")));
  return RunInShell("bash " + ShellWord(folder / "start.sh")).value().output;
}

TEST(SlurmScript, TakesTheConfigOfTheRunWhenQueuedAgain) {
  const TempDir folder;
  const std::string run = folder / "run";
  EXPECT_EQ(ConfigOfStart(0, run), "<--config><my own.textproto>");
  EXPECT_EQ(ConfigOfStart(1, run), "<--config><my own.textproto>");  // it had not begun
  ASSERT_OK(MakeDirectories(run + "/checkpoints"));
  ASSERT_OK(WriteFileAtomically(run + "/checkpoints/latest", "step-0000000075\n"));
  EXPECT_EQ(ConfigOfStart(0, run), "<--config><my own.textproto>");
  EXPECT_EQ(ConfigOfStart(1, run), "<>");
}

// The script's own words, with a launcher that has the script asked to stop before it can pass a
// signal on, as mpirun cannot when it starts or ends.
TEST(SlurmScript, DoesNotEndALauncherThatIsAskedToStopTooEarly) {
  const std::string script =
      SlurmScript(Options(), {"train", "--run", "no such run"}, "/", "/opt/quadhop");
  const auto between = [&script](const char* begin, const char* end) {
    const size_t at = script.find(begin);
    return script.substr(at, script.find(end, at) - at);
  };
  const TempDir folder;
  ASSERT_OK(WriteFileAtomically(
      folder / "start.sh",
      absl::StrCat("restarts=0\n", between("asked_to_stop=no", "\n# The threads"),
                   "start=(bash -c 'kill -USR1 $PPID; sleep 1.5; exit 75')\n",
                   between("run=", "\n# Queued again: a job"), "echo \"code $code\"\n")));
  const std::string output = RunInShell("bash " + ShellWord(folder / "start.sh")).value().output;
  EXPECT_THAT(output, AllOf(HasSubstr("asked to stop by USR1"), HasSubstr("code 75")));
}

TEST(SlurmScript, HasARankAGpuAndWhatTheUserAdds) {
  SlurmOptions options = Options();
  options.gpus_per_node = 8;
  options.cpus_per_rank = 6;
  options.time = "2-00:00:00";
  options.partition = "gpu";
  options.account = "graphs";
  options.setup = {"module load openmpi"};
  options.sbatch = {"--constraint=a100"};
  const std::string script = SlurmScript(options, kTrain, "/home/me", "/opt/quadhop");
  for (const char* directive :
       {"ntasks-per-node=8", "gpus-per-node=8", "cpus-per-task=6", "time=2-00:00:00",
        "partition=gpu", "account=graphs", "constraint=a100"})
    EXPECT_THAT(script, HasSubstr(std::string("#SBATCH --") + directive + "\n"));
  EXPECT_THAT(script, AllOf(HasSubstr("\nmodule load openmpi\n"), Not(HasSubstr("--exclusive"))));
  ExpectBashReadsIt(script);
}

TEST(SlurmScript, StagesTheStoreOnRequest) {
  SlurmOptions options = Options();
  options.stage_to = "/tmp/a(b)/$USER";
  const std::string script = SlurmScript(options, kTrain, "/home/me", "/opt/quadhop");
  EXPECT_THAT(script, AllOf(HasSubstr("  --store \"$local_store\"\n"), HasSubstr("\nunstage\n")));
  ExpectBashReadsIt(script);
}

TEST(SlurmScript, GivesRanksTheThreadsThatTheJobAsksFor) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"eval", "--run", "r", "--threads", "3"},
        {"eval", "--threads=3", "--run", "r"}}) {
    const std::string script = SlurmScript(Options(), words, "/home/me", "/opt/quadhop");
    EXPECT_THAT(script, AllOf(HasSubstr("\nthreads=3\n"), HasSubstr("  --threads \"$threads\"\n"),
                              Not(HasSubstr("SLURM_CPUS_ON_NODE"))));
    EXPECT_EQ(script.find("--threads"), script.rfind("--threads"));
  }
  EXPECT_THAT(SlurmScript(Options(), {"eval", "--threads", "0"}, "/home/me", "/opt/quadhop"),
              HasSubstr("SLURM_CPUS_ON_NODE"));
}

TEST(SlurmScript, AsksForTheMemoryOfWholeNodesUnlessTheUserDoes) {
  const auto script = [](const SlurmOptions& options) {
    return SlurmScript(options, kTrain, "/home/me", "/opt/quadhop");
  };
  SlurmOptions options = Options();
  EXPECT_THAT(script(options), AllOf(HasSubstr("--exclusive"), HasSubstr("#SBATCH --mem=0 ")));
  options.sbatch = {"--mem-bind=local"};
  EXPECT_THAT(script(options), HasSubstr("--mem=0"));
  for (const char* memory : {"--mem=64G", "--mem-per-cpu=4G", "--mem-per-gpu=80G"}) {
    options.sbatch = {memory};
    EXPECT_THAT(script(options), AllOf(HasSubstr(memory), Not(HasSubstr("--mem=0"))));
  }
  options = Options();
  options.cpus_per_rank = 4;
  EXPECT_THAT(script(options), Not(HasSubstr("--mem")));
}

TEST(SlurmScript, SaysWhatTheUserAddsLastAndInQuotes) {
  SlurmOptions options = Options();
  options.name = "it's mine";
  options.sbatch = {"--constraint=a100|h100", "--comment=a \"b\" #\\", "--no-requeue",
                    "--output=mine.log", "--signal=B:USR1@600"};
  const std::string script = SlurmScript(options, kTrain, "/home/my self", "/opt/quadhop");
  EXPECT_THAT(script, AllOf(HasSubstr("#SBATCH --job-name=\"it's mine\"\n"),
                            HasSubstr("#SBATCH --chdir=\"/home/my self\"\n"),
                            HasSubstr("#SBATCH --constraint=a100|h100\n"
                                      "#SBATCH --comment=\"a \\\"b\\\" #\\\\\"\n"
                                      "#SBATCH --no-requeue\n"
                                      "#SBATCH --output=mine.log\n"
                                      "#SBATCH --signal=B:USR1@600\n\n")));
  ExpectBashReadsIt(script);
}

// The script's own words that copy a store, to `folder`/local, and then `job`, where an srun that
// starts a command on one node after the other stands for Slurm's.
class StagingTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(MakeDirectories(store_));
    ASSERT_OK(WriteFileAtomically(store_ + "/store.textproto", "whole"));
  }

  ShellOutcome Run(const std::string& job, const std::string& sruns = "true") {
    SlurmOptions options = Options();
    options.stage_to = "$HERE/local";
    const std::string script =
        SlurmScript(options, {"train", "--store", store_, "--run", "r"}, "/", "/opt/quadhop");
    const size_t begin = script.find("# The store goes"), end = script.find("\njob=(");
    const std::string nodes =
        "HERE='" + folder_.path() + "' SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=2\n" +
        "srun() { while [[ $1 = --* ]]; do shift; done; " + sruns +
        " && for node in 0 1; do SLURM_NODEID=$node \"$@\" || return; done; }\n";
    EXPECT_OK(WriteFileAtomically(folder_ / "job.sh",
                                  nodes + script.substr(begin, end - begin) + "\n" + job + "\n"));
    return RunInShell("bash " + ShellWord(folder_ / "job.sh")).value();
  }

  const TempDir folder_;
  const std::string store_ = folder_ / "my store.qh";
  const std::string local_ = folder_ / "local/quadhop-7";
};

TEST_F(StagingTest, CopiesAWholeStoreAndRemovesItAtTheEnd) {
  EXPECT_EQ(Run("cat \"$local_store/store.textproto\"; ls \"$local_folder\"").output,
            "wholemy store.qh");
  EXPECT_FALSE(std::filesystem::exists(local_));
}

TEST_F(StagingTest, TakesNothingOfAStartThatWasCutShort) {
  ASSERT_OK(MakeDirectories(local_ + "/my store.qh.0/nodes"));  // while it copied
  EXPECT_EQ(Run("cat \"$local_store/store.textproto\"; ls \"$local_store\"").output,
            "wholestore.textproto");
  ASSERT_OK(MakeDirectories(local_ + "/my store.qh"));  // while it removed the copy
  ASSERT_OK(WriteFileAtomically(local_ + "/my store.qh/store.textproto", "torn"));
  EXPECT_EQ(Run("cat \"$local_store/store.textproto\"").output, "whole");
}

TEST_F(StagingTest, CopiesWhatALinkLeadsTo) {
  std::filesystem::rename(store_, folder_ / "elsewhere");
  std::filesystem::create_symlink("elsewhere", store_);
  EXPECT_EQ(Run("cat \"$local_store/store.textproto\"").output, "whole");
}

TEST_F(StagingTest, LeavesNothingWhereTheStoreCannotBeCopied) {
  ASSERT_OK(RemoveFileIfPresent(store_ + "/store.textproto"));
  const ShellOutcome outcome = Run("echo the job");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("the store cannot be copied"), Not(HasSubstr("the job"))));
  EXPECT_FALSE(std::filesystem::exists(local_));
}

TEST_F(StagingTest, RemovesItsOwnCopyAndNamesTheOthersWhereSlurmStartsNothingMore) {
  const ShellOutcome outcome = Run("touch \"$HERE/ended\"", "[ ! -e \"$HERE/ended\" ]");
  EXPECT_THAT(outcome.output, HasSubstr("left in " + local_ + " on other nodes"));
  EXPECT_FALSE(std::filesystem::exists(local_));
}

TEST(SlurmScript, RunsOtherCommandsWithoutRestarts) {
  const std::string script = SlurmScript(Options(), {"doctor"}, "/home/me", "/opt/quadhop");
  EXPECT_THAT(script, AllOf(HasSubstr("/opt/quadhop doctor\n"), Not(HasSubstr("requeue")),
                            Not(HasSubstr("--resume"))));
  ExpectBashReadsIt(script);
}

Outcome LaunchSlurmFor(const std::string& run, const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = {"launch", "slurm"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  for (const char* word : {"--", "train", "--store", "g.qh", "--config", "quickstart", "--run"})
    arguments.emplace_back(word);
  arguments.push_back(run);
  return Quadhop(arguments);
}

TEST(LaunchSlurm, NamesTheJobAfterTheFolderOfItsRun) {
  EXPECT_THAT(LaunchSlurmFor("runs/my run", {}).out, HasSubstr("--job-name=\"my run\"\n"));
  EXPECT_THAT(LaunchSlurmFor("runs/1", {"--name", "mine"}).out, HasSubstr("--job-name=mine\n"));
}

TEST(LaunchSlurm, WarnsOfGpusThatThisBuildWouldNotUse) {
  const Outcome with_gpus = LaunchSlurmFor("r", {"--gpus-per-node", "8"});
  EXPECT_EQ(with_gpus.code, ExitCode::kDone);
  if (IsBuiltWithCuda())
    EXPECT_THAT(with_gpus.err, Not(HasSubstr("CUDA")));
  else
    EXPECT_THAT(with_gpus.err, AllOf(HasSubstr("--gpus-per-node is 8"), HasSubstr("without CUDA"),
                                     HasSubstr("cmake --preset cuda")));
  EXPECT_THAT(LaunchSlurmFor("r", {}).err, Not(HasSubstr("CUDA")));
}

TEST(LaunchSlurm, RefusesTrainingThatCouldNotBegin) {
  const TempDir folder;
  const std::string store = folder / "g.qh";
  ASSERT_EQ(Quadhop({"synth", "--to-store", "--nodes", "500", "--degree", "5", "--features", "4",
                     "--classes", "3", "--out", store})
                .code,
            ExitCode::kDone);
  const auto launch = [&](const std::string& nodes, const std::string& config,
                          const std::string& field) {
    return Quadhop({"launch", "slurm", "--nodes", nodes, "--", "train", "--store", store,
                    "--config", config, "--set", field, "--run", folder / "r"});
  };
  EXPECT_EQ(launch("1", "nosuch", "train.epochs=3").code, ExitCode::kUsage);
  const Outcome field = launch("1", "quickstart", "train.epoch=3");
  EXPECT_EQ(field.code, ExitCode::kUsage);
  EXPECT_THAT(field.err, HasSubstr("train.epoch"));
  const Outcome ranks = launch("2", "quickstart", "train.epochs=3");
  EXPECT_EQ(ranks.code, ExitCode::kFailed);
  EXPECT_THAT(ranks.err, AllOf(HasSubstr("there are 4 ranks"), HasSubstr("has 1 partition")));
}

TEST(LaunchSlurm, RefusesAStoreOrARunThatTrainWouldRefuse) {
  const TempDir folder;
  const std::string graph = folder / "g", store = folder / "s.qh", run = folder / "r";
  ASSERT_EQ(Quadhop({"synth", "--nodes", "300", "--degree", "5", "--features", "4", "--classes",
                     "3", "--out", graph})
                .code,
            ExitCode::kDone);
  ASSERT_EQ(Quadhop({"prep", "--from", graph, "--store", store}).code, ExitCode::kDone);
  const auto launch = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"launch", "slurm", "--nodes", "1", "--ranks-per-node", "1", "--",
                               "train", "--store", store, "--config", "quickstart"});
    return Quadhop(more);
  };
  const auto error_of = [&](const std::vector<std::string>& more) {
    const Outcome outcome = launch(more);
    EXPECT_EQ(outcome.code, ExitCode::kFailed);
    return outcome.err;
  };
  EXPECT_EQ(launch({"--run", run}).code, ExitCode::kDone);
  EXPECT_THAT(error_of({"--run", run, "--set", "train.loss=BINARY"}), HasSubstr("train.loss is"));
  EXPECT_THAT(error_of({"--run", run, "--set", "train.select_by=ROC_AUC"}),
              HasSubstr("train.select_by is ROC_AUC"));
  if (!IsBuiltWithCuda()) {
    EXPECT_THAT(error_of({"--run", run, "--set", "model.backend=CUDA"}),
                HasSubstr("built without"));
  }
  EXPECT_THAT(error_of({"--run", run, "--split", "nope"}), HasSubstr("nope"));
  EXPECT_THAT(error_of({"--run", run, "--init", folder / "no.safetensors"}),
              HasSubstr("no.safetensors"));
  EXPECT_THAT(error_of({"--run", store}), HasSubstr("s.qh"));
  // A run that is there.
  ASSERT_EQ(TrainTiny(store, run, /*epochs=*/1).code, ExitCode::kDone);
  EXPECT_THAT(error_of({"--run", run}), HasSubstr("holds a finished run"));
  EXPECT_THAT(error_of({"--run", run, "--resume"}), HasSubstr("model.width: 8, now"));
  // Its config leaves the backend open, which the run has chosen.
  EXPECT_EQ(launch({"--run", run, "--resume", "--set", "train.batch=16", "--set", "model.width=8",
                    "--set", "model.centroids=2", "--set", "sampler.sampled_nodes=4"})
                .code,
            ExitCode::kDone);
}

TEST(LaunchSlurm, WarnsOfAStoreThatIsNotThere) {
  const Outcome outcome = LaunchSlurmFor("r", {});
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_THAT(outcome.err, HasSubstr("the job fails if it begins before there is one"));
}

TEST(LaunchSlurm, WritesTheScriptAndSaysWhereThereIsNoSbatch) {
  const TempDir folder;
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const Outcome outcome =
      Quadhop({"launch", "slurm", "--out", folder / "j.sbatch", "--submit", "--", "train",
               "--store", "g.qh", "--config", "quickstart", "--run", "r"});
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("there is no sbatch in PATH"));
  ASSERT_OK_AND_ASSIGN(const std::string script, ReadFile(folder / "j.sbatch"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --job-name=r\n"));
}

TEST(LaunchSlurm, ReplacesAScriptButNoOtherFile) {
  const TempDir folder;
  const auto write = [&] {
    return Quadhop({"launch", "slurm", "--out", folder / "j.sh", "--", "train", "--store", "g.qh",
                    "--config", "quickstart", "--run", "r"});
  };
  ASSERT_OK(WriteFileAtomically(folder / "j.sh", "precious"));
  const Outcome refused = write();
  EXPECT_EQ(refused.code, ExitCode::kUsage);
  EXPECT_THAT(refused.err, HasSubstr("is no batch script: name another file"));
  EXPECT_THAT(ReadFile(folder / "j.sh"), IsOkAndHolds("precious"));
  ASSERT_OK(RemoveFileIfPresent(folder / "j.sh"));
  EXPECT_EQ(write().code, ExitCode::kDone);
  EXPECT_EQ(write().code, ExitCode::kDone);
}

}  // namespace
}  // namespace quadhop
