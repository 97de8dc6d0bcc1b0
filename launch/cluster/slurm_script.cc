#include "launch/cluster/slurm_script.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <utility>

#include "core/store/manifest.h"
#include "launch/cluster/job_words.h"
#include "launch/cluster/shell.h"
#include "launch/run/repeated_runs.h"

namespace quadhop {
namespace {

// A value on an #SBATCH line, where a backslash, quotes and # have a meaning.
std::string SbatchWord(absl::string_view text) {
  if (text.find_first_of(" \"'\\#") == absl::string_view::npos) return std::string(text);
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

// --mem, --mem-per-cpu or --mem-per-gpu, of which a job may have one.
bool AsksForMemory(absl::string_view option) {
  return absl::StartsWith(option, "--mem") && !absl::StartsWith(option, "--mem-bind");
}

std::string Directives(const SlurmOptions& options, bool is_training, const std::string& folder) {
  std::string text;
  const auto add = [&text](absl::string_view option, absl::string_view value,
                           absl::string_view why = "") {
    absl::StrAppend(&text, "#SBATCH --", option, value.empty() ? "" : "=", SbatchWord(value),
                    why.empty() ? "" : "  # ", why, "\n");
  };
  add("job-name", options.name);
  add("chdir", folder);
  add("nodes", absl::StrCat(options.nodes));
  add("ntasks-per-node", absl::StrCat(RanksPerNode(options)));
  if (options.gpus_per_node > 0) add("gpus-per-node", absl::StrCat(options.gpus_per_node));
  if (options.cpus_per_rank > 0) {
    add("cpus-per-task", absl::StrCat(options.cpus_per_rank));
  } else {
    add("exclusive", "", "whole nodes: the ranks divide the processors");
    if (std::none_of(options.sbatch.begin(), options.sbatch.end(), AsksForMemory))
      add("mem", "0", "and have all of the memory");
  }
  if (!options.time.empty()) add("time", options.time);
  if (!options.partition.empty()) add("partition", options.partition);
  if (!options.account.empty()) add("account", options.account);
  add("output", "%x-%j.log");
  add("open-mode", "append", "a job that is queued again continues its log");
  if (is_training) {
    add("signal", absl::StrCat("B:USR1@", kSecondsToStop),
        "to this shell, in seconds before the time limit");
    add("requeue", "");
  }
  if (!options.sbatch.empty())
    absl::StrAppend(&text,
                    "# From --sbatch; if an option is given twice, sbatch takes the last.\n");
  for (const std::string& option : options.sbatch) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(absl::StripPrefix(option, "--"), absl::MaxSplits('=', 1));
    add(parts.first, parts.second);
  }
  return text;
}

// The job as a bash array, a flag with its value on each line.
std::string JobArray(absl::Span<const std::string> job, const std::string& program, bool staged) {
  std::string text = absl::StrCat("job=(\n  ", ShellWord(program));
  for (size_t i = 0; i < job.size(); ++i) {
    const bool is_store = staged && i > 0 && job[i - 1] == "--store";
    const std::string word = is_store ? "\"$local_store\""
                             : staged && absl::StartsWith(job[i], "--store=")
                                 ? "--store=\"$local_store\""
                                 : ShellWord(job[i]);
    absl::StrAppend(&text, absl::StartsWith(job[i], "--") ? "\n  " : " ", word);
  }
  return absl::StrCat(text, "\n  --threads \"$threads\"\n)\n");
}

constexpr absl::string_view kThreads = R"bash(
# The threads of a rank: its share of the node's processors.
threads=${SLURM_CPUS_PER_TASK:-$((SLURM_CPUS_ON_NODE / RANKS_PER_NODE))}
[ "$threads" -ge 1 ] || threads=1
)bash";

constexpr absl::string_view kThreadsAsGiven = R"bash(
# The threads of a rank.
threads=THREADS
)bash";

constexpr absl::string_view kStart = R"bash(
# Ranks are started by srun if Slurm's PMIx works on these nodes, else by mpirun, which finds the nodes by itself.
if [ "$(srun --mpi=pmix echo here 2>/dev/null | grep -c here)" -eq "$SLURM_NTASKS" ]; then
  # A rank that ends with 75 is no reason to kill the others; if one is lost, they notice by themselves.
  start=(srun --mpi=pmix --kill-on-bad-exit=0 --cpus-per-task="$threads")
else
  start=(mpirun --quiet --bind-to none --mca rtc_hwloc_vmhole none)
  [ "$(id -u)" -ne 0 ] || start+=(--allow-run-as-root)
fi
echo "== ranks are started by ${start[0]}, $threads threads each"
)bash";

// Slurm starts nothing more in a job that is cancelled or has lost a node: its batch script can
// then remove only the copy on its own node.
constexpr absl::string_view kStaging = R"bash(
# The store goes to the local disk of every node first. A start that was cut short may have left a copy there.
local_folder=FOLDER/quadhop-$SLURM_JOB_ID
local_store=$local_folder/NAME
on_every_node=(srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" --ntasks-per-node=1)
unstage() {
  trap - EXIT
  "${on_every_node[@]}" rm -rf "$local_folder" && return
  rm -rf "$local_folder"
  echo "== copies of the store may be left in $local_folder on other nodes" >&2
}
trap unstage EXIT
"${on_every_node[@]}" rm -rf "$local_folder" && "${on_every_node[@]}" bash -c '
  [ ! -e "$2" ] || exit 0  # another node, with the same folder, has copied it
  copy=$2.$SLURM_NODEID
  mkdir -p "$(dirname "$2")" && cp -rL "$1" "$copy" || exit
  mv -T "$copy" "$2" 2>/dev/null || rm -rf "$copy"
  test -r "$2/MANIFEST"' - STORE "$local_store" ||
  { echo "== the store cannot be copied to $local_folder" >&2; exit 1; }
)bash";

constexpr absl::string_view kUnstaging = "unstage\n";

constexpr absl::string_view kPlainRun = R"bash(
"${start[@]}" "${job[@]}"
code=$?
)bash";

constexpr absl::string_view kTraps = R"bash(
# When asked to stop, the ranks write a checkpoint and end with 75. Slurm sends USR1 before the time limit. It sends TERM to
# preempt or cancel a job: whether the job is queued again is then not for this script to decide.
asked_to_stop=no again=yes
stop() {
  echo "== $(date -Is) asked to stop by $1"
  asked_to_stop=yes
}
trap 'stop USR1' USR1
trap 'again=no; stop TERM' TERM
)bash";

// A trap ends `wait` early, and may come just before it: so the script waits a second at a time.
constexpr absl::string_view kTrappedRun = R"bash(
run=RUN
# How far the run has got: to its newest checkpoint, or to the last step in its metrics; summed over runs over seeds or splits.
steps_done() {
  for one in "$run" "$run"/SEED* "$run"/SPLIT* "$run"/SPLIT*/SEED*; do
    { readlink "$one/checkpoints/latest" || cat "$one/checkpoints/latest"; grep -o '^{"event":"step","step":[0-9]*' "$one/metrics.jsonl"; } 2>/dev/null |
      awk '{ done = $0; sub(/.*[-:]/, "", done); done += /event/; if (done > most) most = done } END { print most + 0 }'
  done | awk '{ all += $0 } END { print all }'
}
before=$(steps_done)
# Queued again, a job takes the config of its run, whatever has become of the file.
config=(CONFIG)
[ "$restarts" -eq 0 ] || [ "$before" -eq 0 ] || config=()
code=75
if [ "$asked_to_stop" = no ]; then
  # mpirun, when it starts or ends, would be ended by a USR1 that is not ignored.
  (trap '' USR1 && exec "${start[@]}" "${job[@]}" "${config[@]}") &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    # Sent again and again, because a signal that cannot be passed on while ranks are started is dropped.
    [ "$asked_to_stop" = no ] || kill -USR1 "$pid" 2>/dev/null
    sleep 1 &
    wait "$!"
  done
  wait "$pid"
  code=$?
fi
)bash";

constexpr absl::string_view kRequeue = R"bash(
# Queued again: a job that was asked to stop, and one that failed but got further than before (else it would fail again).
max_restarts=MAX_RESTARTS
if [ "$code" -eq 0 ] || [ "$code" -eq 2 ] || [ "$again" = no ]; then
  echo "== $(date -Is) ended with $code"
elif [ "$asked_to_stop" = no ] && [ "$code" -ne 75 ] && [ "$(steps_done)" -le "$before" ]; then
  echo "== $(date -Is) ended with $code and got no further than before: not queued again"
elif [ "$restarts" -ge "$max_restarts" ]; then
  echo "== $(date -Is) ended with $code: not queued again, because it has already been $restarts times"
else
  echo "== $(date -Is) ended with $code: to be queued again"
  if scontrol requeue "$SLURM_JOB_ID"; then
    trap - TERM
    sleep 60  # Slurm ends this script
  else
    echo "== Slurm does not queue this job again: submit the script again to carry on"
  fi
fi
)bash";

std::string Staging(const SlurmOptions& options, const std::string& store) {
  const std::vector<absl::string_view> parts = absl::StrSplit(store, '/', absl::SkipEmpty());
  return absl::StrReplaceAll(kStaging, {{"FOLDER", *ShellWordOfVariables(options.stage_to)},
                                        {"MANIFEST", kStoreManifestName},
                                        {"NAME", ShellWord(parts.empty() ? "" : parts.back())},
                                        {"STORE", ShellWord(store)}});
}

}  // namespace

std::string SlurmScript(const SlurmOptions& options, absl::Span<const std::string> job,
                        const std::string& folder, const std::string& program) {
  const bool is_training = IsTraining(job), staged = !options.stage_to.empty();
  const std::string config = FlagOfJob(job, "config");
  std::string script = absl::StrCat(
      "#!/usr/bin/env bash\n# Written by quadhop launch slurm. Submit it with sbatch.\n",
      Directives(options, is_training, folder),
      "\nrestarts=${SLURM_RESTART_COUNT:-0}\n"
      "echo \"== $(date -Is) job $SLURM_JOB_ID on $SLURM_JOB_NODELIST, start $((restarts + "
      "1))\"\n");
  if (is_training) absl::StrAppend(&script, kTraps);
  for (const std::string& line : options.setup) absl::StrAppend(&script, line, "\n");
  const std::string threads = FlagOfJob(job, "threads");
  if (threads.empty() || threads == "0")
    script +=
        absl::StrReplaceAll(kThreads, {{"RANKS_PER_NODE", absl::StrCat(RanksPerNode(options))}});
  else
    script += absl::StrReplaceAll(kThreadsAsGiven, {{"THREADS", ShellWord(threads)}});
  absl::StrAppend(&script, kStart);
  if (staged) script += Staging(options, FlagOfJob(job, "store"));
  JobWords words = WithoutFlag(job, "threads");
  if (is_training) words = WithoutFlag(WithResume(words), "config");
  absl::StrAppend(&script, "\n", JobArray(words, program, staged));
  if (is_training)
    script += absl::StrReplaceAll(
        kTrappedRun,
        {{"RUN", ShellWord(FlagOfJob(job, "run"))},
         {"SEED", kSeedRun},
         {"SPLIT", kSplitRun},
         {"CONFIG", config.empty() ? "" : absl::StrCat("--config ", ShellWord(config))}});
  else
    absl::StrAppend(&script, kPlainRun);
  if (staged) absl::StrAppend(&script, kUnstaging);
  if (is_training)
    script += absl::StrReplaceAll(kRequeue, {{"MAX_RESTARTS", absl::StrCat(options.max_restarts)}});
  return absl::StrCat(script, "exit \"$code\"\n");
}

}  // namespace quadhop
