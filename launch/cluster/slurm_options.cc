#include "launch/cluster/slurm_options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>
#include <absl/types/optional.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/status.h"
#include "launch/cluster/job_words.h"
#include "launch/cluster/shell.h"
#include "launch/command_line/exit_code.h"

namespace quadhop {
namespace {

// The minutes that Slurm reads in `text`, rounded up as by Slurm; 0: no limit. nullopt if `text` is
// not a time (man sbatch).
absl::optional<int64_t> MinutesOfTime(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "infinite") || absl::EqualsIgnoreCase(text, "unlimited"))
    return 0;
  std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('-', 1));
  const bool has_days = parts.size() == 2;
  const std::vector<absl::string_view> clock = absl::StrSplit(parts.back(), ':');
  parts.pop_back();
  parts.insert(parts.end(), clock.begin(), clock.end());
  constexpr std::array<int64_t, 4> kUnits = {86400, 3600, 60, 1};
  size_t unit = has_days ? 0 : clock.size() == 3 ? 1 : 2;
  if (unit + parts.size() > kUnits.size()) return absl::nullopt;
  int64_t seconds = 0;
  for (const absl::string_view part : parts) {
    int32_t number = 0;
    if (!std::all_of(part.begin(), part.end(), absl::ascii_isdigit) ||
        !absl::SimpleAtoi(part, &number))
      return absl::nullopt;
    seconds += number * kUnits[unit++];
  }
  return (seconds + 59) / 60;
}

// N of B:USR1@N, the signal that Slurm sends to the script; 0 if `signal` is another.
int64_t SecondsOfSignal(absl::string_view signal) {
  int64_t seconds = 0;
  const bool is_read =
      absl::ConsumePrefix(&signal, "B:USR1@") && absl::SimpleAtoi(signal, &seconds);
  return is_read && seconds > 0 && seconds <= 65535 ? seconds : 0;
}

int64_t SecondsToStop(const SlurmOptions& options) {
  int64_t seconds = kSecondsToStop;
  for (absl::string_view option : options.sbatch)
    if (absl::ConsumePrefix(&option, "--signal=")) seconds = SecondsOfSignal(option);
  return seconds;
}

// A job that is asked to stop as soon as it starts would be queued again without end. Slurm may ask
// a minute early (man sbatch, --signal).
absl::Status CheckTime(const SlurmOptions& options, bool is_training) {
  if (options.time.empty()) return absl::OkStatus();
  const absl::optional<int64_t> minutes = MinutesOfTime(options.time);
  if (!minutes)
    return UsageError(
        absl::StrCat("--time is '", options.time,
                     "'; allowed: minutes, minutes:seconds, hours:minutes:seconds, days-hours, "
                     "days-hours:minutes, days-hours:minutes:seconds or infinite"));
  const int64_t to_stop = SecondsToStop(options), least = (to_stop + 60) / 60 + 1;
  if (is_training && *minutes > 0 && *minutes < least)
    return UsageError(absl::StrCat(
        "--time is '", options.time, "', but the job is asked for a checkpoint ", to_stop,
        " s before its limit, or up to 60 s earlier; allowed: at least ", least,
        " minutes, or fewer with a later request, --sbatch=--signal=B:USR1@SECONDS"));
  return absl::OkStatus();
}

// What can stand on an #SBATCH line, in quotes if need be.
bool IsOneLine(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), absl::ascii_iscntrl);
}

// The flag of launch slurm to use instead of `option`; "" if `option` is allowed.
absl::string_view FlagInsteadOf(absl::string_view option) {
  for (const auto& [of_sbatch, flag] : {std::pair("nodes", "nodes"),
                                        {"ntasks", "ranks-per-node"},
                                        {"ntasks-per-node", "ranks-per-node"},
                                        {"gpus-per-node", "gpus-per-node"},
                                        {"cpus-per-task", "cpus-per-rank"},
                                        {"time", "time"}})
    if (option == of_sbatch) return flag;
  return "";
}

absl::Status CheckOptionOfSbatch(const std::string& option, bool is_training) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(option, absl::MaxSplits('=', 1));
  absl::string_view name = parts.first;
  if (!absl::ConsumePrefix(&name, "--") || name.empty() ||
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != absl::string_view::npos ||
      !IsOneLine(parts.second))
    return UsageError(absl::StrCat("--sbatch is '", option,
                                   "'; allowed: an option of sbatch, --OPTION or --OPTION=VALUE, "
                                   "as in --sbatch='--constraint=a100|h100'"));
  if (const absl::string_view flag = FlagInsteadOf(name); !flag.empty())
    return UsageError(absl::StrCat("--sbatch is '", option,
                                   "', which the script would not know of: give --", flag));
  if (is_training && (name == "array" || name == "time-min"))
    return UsageError(absl::StrCat(
        "--sbatch is '", option, "', but ",
        name == "array"
            ? "the jobs of an array would train the same run: start one job for each run"
            : "the time at which to write a checkpoint is counted from --time: lower that "
              "instead"));
  if (is_training && name == "signal" && SecondsOfSignal(parts.second) == 0)
    return UsageError(
        absl::StrCat("--sbatch is '", option,
                     "'; allowed with train: --signal=B:USR1@SECONDS, how long before "
                     "its time limit the job is asked for a checkpoint"));
  return absl::OkStatus();
}

}  // namespace

int64_t RanksPerNode(const SlurmOptions& options) {
  if (options.ranks_per_node > 0) return options.ranks_per_node;
  return options.gpus_per_node > 0 ? options.gpus_per_node : 2;
}

int64_t NumRanks(const SlurmOptions& options) { return options.nodes * RanksPerNode(options); }

absl::Status CheckSlurmOptions(const SlurmOptions& options, absl::Span<const std::string> job,
                               const std::string& folder) {
  const bool is_training = IsTraining(job);
  for (const std::string& option : options.sbatch)
    QH_RETURN_IF_ERROR(CheckOptionOfSbatch(option, is_training));
  if (!IsOneLine(folder))
    return UsageError(
        absl::StrCat("the script would start in this folder, '", folder,
                     "', which has control characters in its path: start from another"));
  for (const auto& [name, value] : {std::pair("time", options.time),
                                    {"partition", options.partition},
                                    {"account", options.account},
                                    {"name", options.name}})
    if (!IsOneLine(value))
      return UsageError(
          absl::StrCat("--", name, " is '", value, "'; allowed: text without control characters"));
  if (options.name.find('/') != std::string::npos)
    return UsageError(
        absl::StrCat("--name is '", options.name,
                     "'; allowed: text without /, because the log is named after it"));
  QH_RETURN_IF_ERROR(CheckTime(options, is_training));
  if (!options.stage_to.empty() &&
      (absl::string_view("/$").find(options.stage_to[0]) == absl::string_view::npos ||
       !ShellWordOfVariables(options.stage_to)))
    return UsageError(absl::StrCat("--stage-to is '", options.stage_to,
                                   "'; allowed: an absolute path, in which $NAME and ${NAME} stand "
                                   "for variables of the job: /scratch/$USER or $TMPDIR"));
  if (!options.stage_to.empty() && FlagOfJob(job, "store").empty())
    return UsageError(absl::StrCat("--stage-to is ", options.stage_to, ", but ", job[0],
                                   " is given no --store to copy there"));
  if (!is_training) return absl::OkStatus();
  if (FlagOfJob(job, "run").empty()) return UsageError("train needs --run to be run by a script");
  if (FlagOfJob(job, "store").empty() && !HasSwitch(job, "resume"))
    return UsageError("train needs --store to be run by a script, or --resume for an existing run");
  if (HasSwitch(job, "overwrite"))
    return UsageError(
        "--overwrite is given, but a job that is queued again resumes its run: remove the run "
        "first");
  return absl::OkStatus();
}

}  // namespace quadhop
