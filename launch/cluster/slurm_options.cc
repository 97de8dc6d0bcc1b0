#include "launch/cluster/slurm_options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <utility>

#include "launch/cluster/restarts.h"
#include "launch/cluster/shell.h"
#include "launch/command_line/flags.h"

namespace quadhop {
namespace {

// man sbatch, --time.
bool IsTimeOfSlurm(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "infinite") || absl::EqualsIgnoreCase(text, "unlimited"))
    return true;
  const auto is_number = [](absl::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
  };
  const size_t days_end = text.find('-');
  if (days_end != absl::string_view::npos) {
    if (!is_number(text.substr(0, days_end))) return false;
    text.remove_prefix(days_end + 1);
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  return parts.size() <= 3 && std::all_of(parts.begin(), parts.end(), is_number);
}

}  // namespace

int64_t RanksPerNode(const SlurmOptions& options) {
  if (options.ranks_per_node > 0) return options.ranks_per_node;
  return options.gpus_per_node > 0 ? options.gpus_per_node : 2;
}

int64_t NumRanks(const SlurmOptions& options) { return options.nodes * RanksPerNode(options); }

bool IsWordOfSbatch(absl::string_view text) {
  return text.find_first_of(" \t\r\n#\"'`;&|<>") == absl::string_view::npos;
}

absl::Status CheckSlurmOptions(const SlurmOptions& options, absl::Span<const std::string> job,
                               const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> values = {{"time", options.time},
                                                             {"partition", options.partition},
                                                             {"account", options.account},
                                                             {"name", options.name}};
  for (const std::string& option : options.sbatch) {
    if (!absl::StartsWith(option, "--"))
      return UsageError(absl::StrCat("--sbatch is '", option,
                                     "'; allowed: an option of sbatch, as in "
                                     "--sbatch=--constraint=a100"));
    values.emplace_back("sbatch", option);
  }
  if (!IsWordOfSbatch(folder))
    return UsageError(absl::StrCat("the script would start in this folder, ", folder,
                                   ", which an #SBATCH line cannot name: go to one whose path has "
                                   "no blanks, quotes, # or ;"));
  for (const auto& [name, value] : values)
    if (!IsWordOfSbatch(value))
      return UsageError(
          absl::StrCat("--", name, " is '", value, "'; allowed: one word without quotes, # or ;"));
  if (!options.time.empty() && !IsTimeOfSlurm(options.time))
    return UsageError(
        absl::StrCat("--time is '", options.time,
                     "'; allowed: minutes, minutes:seconds, hours:minutes:seconds, days-hours, "
                     "days-hours:minutes, days-hours:minutes:seconds or infinite"));
  if (!options.stage_to.empty() &&
      (absl::string_view("/$").find(options.stage_to[0]) == absl::string_view::npos ||
       !ShellWordOfVariables(options.stage_to)))
    return UsageError(absl::StrCat("--stage-to is '", options.stage_to,
                                   "'; allowed: an absolute path, in which $NAME and ${NAME} stand "
                                   "for variables of the job: /scratch/$USER or $TMPDIR"));
  if (!options.stage_to.empty() && FlagOfJob(job, "store").empty())
    return UsageError(absl::StrCat("--stage-to is ", options.stage_to, ", but ", job[0],
                                   " is given no --store to copy there"));
  if (job[0] != "train") return absl::OkStatus();
  for (const char* flag : {"run", "store"})
    if (FlagOfJob(job, flag).empty())
      return UsageError(absl::StrCat("train needs --", flag, " to be run by a script"));
  for (const std::string& word : job)
    if (absl::StartsWith(word, "--overwrite"))
      return UsageError(
          "--overwrite is given, but a job that is queued again carries on: remove the run first");
  return absl::OkStatus();
}

}  // namespace quadhop
