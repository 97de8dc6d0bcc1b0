#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "core/base/status.h"
#include "core/base/warning.h"
#include "core/files/file.h"
#include "launch/cluster/job_words.h"
#include "launch/cluster/shell.h"
#include "launch/cluster/slurm_script.h"
#include "launch/command_line/flags.h"
#include "launch/commands/launchers.h"
#include "launch/ranks/gpus.h"

namespace quadhop {
namespace {

struct SlurmFlags {
  SlurmOptions slurm;
  JobWords job;
  std::string out;
  bool submit = false;
};

Flags Declare(SlurmFlags* f) {
  Flags flags("launch slurm",
              "Writes a batch script that runs a command under Slurm, and submits it if asked to.");
  flags.Int("nodes", &f->slurm.nodes, int64_t{1}, int64_t{100000}, "number of nodes");
  flags.Int("gpus-per-node", &f->slurm.gpus_per_node, int64_t{0}, int64_t{64},
            "GPUs per node, one rank each");
  flags.Int("ranks-per-node", &f->slurm.ranks_per_node, int64_t{0}, int64_t{1024},
            "ranks per node (0: one per GPU, or 2 without GPUs)");
  flags.Int("cpus-per-rank", &f->slurm.cpus_per_rank, int64_t{0}, int64_t{4096},
            "processors per rank (0: whole nodes, divided among their ranks)");
  flags.String("time", &f->slurm.time, "LIMIT",
               "time limit of each start, in one of Slurm's formats, e.g. 12:00:00 or 2-00:00:00");
  flags.String("partition", &f->slurm.partition, "NAME", "Slurm partition");
  flags.String("account", &f->slurm.account, "NAME", "account to charge");
  flags.String("name", &f->slurm.name, "NAME",
               "name of the job (default: the name of the run's folder)");
  flags.String("stage-to", &f->slurm.stage_to, "FOLDER",
               "first copy the store to this folder on each node's own disk");
  flags.Strings("setup", &f->slurm.setup, "LINE",
                "a line of shell to run before the job, e.g. 'module load openmpi'");
  flags.Strings(
      "sbatch", &f->slurm.sbatch, "OPTION",
      "an option of sbatch, e.g. --constraint=a100; overrides what the script sets by itself");
  flags.Int("max-restarts", &f->slurm.max_restarts, int64_t{0}, int64_t{1000000},
            "requeue a training job at most N times: after time limits and preemptions, and after "
            "a failure if the run had made progress");
  flags.String("out", &f->out, "FILE",
               "the file to write the script to (default: the standard output)");
  flags.Switch("submit", &f->submit,
               "submit the script; without --out it is written to NAME.sbatch");
  AddJob(&flags, &f->job);
  flags.Example(
      "launch slurm --nodes 2 --time 12:00:00 --submit -- train --store g.qh --config "
      "ogbn-products --run runs/1");
  flags.Example(
      "launch slurm --nodes 2 --gpus-per-node 8 --stage-to /local --out job.sbatch -- "
      "train --store g.qh --config ogbn-papers100m --run runs/2");
  return flags;
}

// "products" for --run runs/products; else the command's name.
std::string NameOf(const JobWords& job) {
  std::string run = FlagOfJob(job, "run");
  while (!run.empty() && run.back() == '/') run.pop_back();
  const std::string name = std::filesystem::path(run).filename().string();
  return name.empty() ? job[0] : name;
}

// So that a slip of the hand replaces no other file.
absl::Status CheckReplacesOnlyAScript(const std::string& out) {
  if (!FileExists(out)) return absl::OkStatus();
  constexpr int64_t kLongestScript = int64_t{1} << 20;
  const absl::StatusOr<std::string> there = ReadRegularFile(out, kLongestScript);
  if (there.ok() && (there->empty() || absl::StrContains(*there, "#SBATCH")))
    return absl::OkStatus();
  return UsageError(
      absl::StrCat("--out is ", out, ", which is there and is no batch script: name another file"));
}

absl::Status Submit(const std::string& script) {
  if (FindInPath("sbatch").empty())
    return absl::UnavailableError(absl::StrCat(
        "there is no sbatch in PATH; the script ", script,
        " has been written: submit it from a host of the cluster, with sbatch ", script));
  QH_ASSIGN_OR_RETURN(const ShellOutcome said, RunInShell("sbatch " + ShellWord(script)));
  if (said.exit_code != 0)
    return absl::InternalError(
        absl::StrCat("sbatch refuses ", script, ", which has been written: ", said.output));
  std::printf("%s\n", said.output.c_str());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> LaunchSlurm(absl::Span<const std::string> arguments) {
  SlurmFlags f;
  Flags flags = Declare(&f);
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  QH_RETURN_IF_ERROR(CheckJob(f.job, NumRanks(f.slurm), 0));
  if (IsTraining(f.job))
    QH_RETURN_IF_ERROR(
        CheckTraining(absl::MakeConstSpan(f.job).subspan(1), static_cast<int>(NumRanks(f.slurm))));
  if (f.slurm.name.empty()) f.slurm.name = NameOf(f.job);
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  QH_RETURN_IF_ERROR(CheckSlurmOptions(f.slurm, f.job, folder));
  if (f.slurm.gpus_per_node > 0 && !IsBuiltWithCuda())
    PrintWarning(absl::StrCat(
        "--gpus-per-node is ", f.slurm.gpus_per_node,
        ", but this quadhop is built without CUDA: its ranks would compute on CPUs while the job "
        "holds GPUs; cmake --preset cuda configures one that uses them"));
  if (f.submit && f.out.empty()) f.out = f.slurm.name + ".sbatch";
  const std::string script = SlurmScript(f.slurm, f.job, folder, OwnProgram());
  if (f.out.empty()) {
    std::fputs(script.c_str(), stdout);
    return ExitCode::kDone;
  }
  QH_RETURN_IF_ERROR(CheckReplacesOnlyAScript(f.out));
  QH_RETURN_IF_ERROR(WriteFileAtomically(f.out, script));
  if (f.submit) QH_RETURN_IF_ERROR(Submit(f.out));
  return ExitCode::kDone;
}

}  // namespace quadhop
