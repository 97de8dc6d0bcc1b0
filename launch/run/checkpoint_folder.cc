#include "launch/run/checkpoint_folder.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/run/run_paths.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {
namespace {

constexpr absl::string_view kStepPrefix = "step-";

std::string StepName(int64_t step) { return absl::StrFormat("%s%010d", kStepPrefix, step); }

// The step of "step-0000000120"; false for any other name.
bool ParseStepName(const std::string& name, int64_t* step) {
  return absl::StartsWith(name, kStepPrefix) &&
         absl::SimpleAtoi(name.substr(kStepPrefix.size()), step);
}

constexpr int64_t kMaxLinkBytes = 256;
constexpr absl::string_view kDamagedPrefix = "damaged-";
constexpr absl::string_view kUnfinished = ".tmp";
constexpr absl::string_view kReplaced = ".old";

// "damaged-best" beside "best".
std::string DamagedCopyPath(const std::string& copy) {
  const std::filesystem::path path = copy;
  return path.parent_path() / absl::StrCat(kDamagedPrefix, path.filename().string());
}

// Paths in RUN/checkpoints whose name is `prefix` + a checkpoint's name + `suffix`.
absl::StatusOr<std::vector<std::string>> ListAround(const std::string& run,
                                                    absl::string_view prefix,
                                                    absl::string_view suffix) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      ListFolderIfPresent(RunCheckpointsPath(run)));
  std::vector<std::string> paths;
  for (const std::string& file : names) {
    absl::string_view name = file;
    int64_t step = 0;
    if (absl::ConsumePrefix(&name, prefix) && absl::ConsumeSuffix(&name, suffix) &&
        ParseStepName(std::string(name), &step))
      paths.push_back(absl::StrCat(RunCheckpointsPath(run), "/", file));
  }
  return paths;
}

absl::Status RemoveAround(const std::string& run, absl::string_view prefix,
                          absl::string_view suffix) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> paths, ListAround(run, prefix, suffix));
  for (const std::string& path : paths) QH_RETURN_IF_ERROR(RemoveCheckpoint(path));
  return absl::OkStatus();
}

absl::Status RemoveUnfinished(const std::string& run) {
  for (const absl::string_view suffix : {kUnfinished, kReplaced})
    QH_RETURN_IF_ERROR(RemoveAround(run, "", suffix));
  return absl::OkStatus();
}

// Renames what stands at the path of the checkpoint after `step` steps to damaged-step-...
absl::Status SetAside(const std::string& run, int64_t step) {
  const std::string aside =
      absl::StrCat(RunCheckpointsPath(run), "/", kDamagedPrefix, StepName(step));
  QH_RETURN_IF_ERROR(RemoveCheckpoint(aside));  // of an earlier resume
  return RenameFile(CheckpointPath(run, step), aside);
}

// What a link names, or the text of a file that stands for one; "" for anything else.
std::string LinkTarget(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(path, error);
  if (!error) return target;
  const std::string text = ReadRegularFile(path, kMaxLinkBytes).value_or("");
  return std::string(absl::StripAsciiWhitespace(text));
}

// The step of the best checkpoint; -1: there is none. The newest checkpoint that can be read knows
// the best epoch, even if the link was lost or names an earlier best. If the checkpoint of that
// epoch could not be written, the link knows which was the best before it.
absl::StatusOr<int64_t> BestStep(const std::string& run) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  absl::optional<int64_t> best_epoch;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto manifest = ReadCheckpointManifest(CheckpointPath(run, *step));
    if (!manifest.ok()) continue;
    const RunPosition& position = manifest->position();
    if (!best_epoch.has_value()) best_epoch = position.best_epoch();
    const bool at_its_end = position.epoch() == *best_epoch && position.under_way().steps() == 0;
    if (*best_epoch > 0 && at_its_end) return *step;
  }
  int64_t step = -1;
  return ParseStepName(LinkTarget(BestCheckpointPath(run)), &step) ? step : -1;
}

absl::Status Link(const std::string& path, const std::string& target) {
  const std::string beside = path + ".tmp";
  QH_RETURN_IF_ERROR(RemoveFileIfPresent(beside));
  if (symlink(target.c_str(), beside.c_str()) == 0) return RenameFile(beside, path);
  return WriteFileAtomically(path, target + "\n");  // a file system without links, such as exFAT
}

// For a folder in the place of a link to a checkpoint: the checkpoint that it is a copy of is kept
// if intact, else the copy takes its place.
absl::Status ReplaceCopyByLink(const std::string& run, const std::string& copy) {
  const std::string aside = DamagedCopyPath(copy);
  QH_RETURN_IF_ERROR(RemoveCheckpoint(aside));
  const absl::StatusOr<CheckpointManifest> manifest = ReadCheckpointManifest(copy);
  if (!manifest.ok()) return RenameFile(copy, aside);
  const int64_t step = manifest->position().step();
  const std::string path = CheckpointPath(run, step);
  const absl::StatusOr<CheckpointManifest> there = VerifyCheckpoint(path);
  if (there.ok() && there->checksum() == manifest->checksum()) {
    QH_RETURN_IF_ERROR(RemoveCheckpoint(copy));
    if (FileExists(copy)) QH_RETURN_IF_ERROR(RenameFile(copy, aside));  // it holds other files
  } else {
    if (FileExists(path)) QH_RETURN_IF_ERROR(SetAside(run, step));
    QH_RETURN_IF_ERROR(RenameFile(copy, path));
  }
  return Link(copy, StepName(step));
}

}  // namespace

std::string CheckpointPath(const std::string& run, int64_t step) {
  return absl::StrCat(RunCheckpointsPath(run), "/", StepName(step));
}
std::string BestCheckpointPath(const std::string& run) { return RunCheckpointsPath(run) + "/best"; }
std::string LatestCheckpointPath(const std::string& run) {
  return RunCheckpointsPath(run) + "/latest";
}

absl::StatusOr<std::vector<int64_t>> ListCheckpointSteps(const std::string& run) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      ListFolderIfPresent(RunCheckpointsPath(run)));
  std::vector<int64_t> steps;
  for (const std::string& name : names) {
    int64_t step = 0;
    if (ParseStepName(name, &step)) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

absl::StatusOr<std::string> FindCheckpoint(const std::string& run, const std::string& which) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  int64_t step = steps.empty() ? -1 : steps.back();
  if (which != "best" && which != "latest" && !absl::SimpleAtoi(which, &step)) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint is '", which, "'; allowed: best, latest or a number of steps"));
  }
  if (which == "best") {
    QH_ASSIGN_OR_RETURN(step, BestStep(run));
  }
  const std::string path = CheckpointPath(run, step);
  if (FileExists(path)) return path;
  // A copy of the run that was made following links, and whose steps were removed.
  if (which == "best" && FileExists(BestCheckpointPath(run))) return BestCheckpointPath(run);
  return absl::NotFoundError(absl::StrCat(
      run, " has no checkpoint ",
      steps.empty()
          ? "yet"
          : absl::StrCat("'", which, "'; it has those after steps: ", absl::StrJoin(steps, ", "))));
}

absl::StatusOr<NewestIntact> FindNewestIntact(const std::string& run) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  NewestIntact newest;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const absl::Status intact = VerifyCheckpoint(CheckpointPath(run, *step)).status();
    if (intact.ok()) {
      newest.step = *step;
      return newest;
    }
    if (absl::IsFailedPrecondition(intact)) return intact;  // of another version, not damaged
    newest.damaged.emplace_back(intact.message());
  }
  if (newest.damaged.empty()) return newest;
  return absl::DataLossError(absl::StrCat("no checkpoint of ", run, " is intact:\n  ",
                                          absl::StrJoin(newest.damaged, "\n  "),
                                          "\nrepair one, or begin anew with --overwrite"));
}

absl::Status RestoreReplaced(const std::string& run) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> replaced, ListAround(run, "", kReplaced));
  for (const std::string& old : replaced) {
    const std::string path(absl::StripSuffix(old, kReplaced));
    if (!FileExists(path)) QH_RETURN_IF_ERROR(RenameFile(old, path));
  }
  return absl::OkStatus();
}

absl::Status ReplaceCopiesByLinks(const std::string& run) {
  std::error_code error;
  for (const std::string& path : {LatestCheckpointPath(run), BestCheckpointPath(run)})
    if (std::filesystem::symlink_status(path, error).type() ==
        std::filesystem::file_type::directory)
      QH_RETURN_IF_ERROR(ReplaceCopyByLink(run, path));
  return absl::OkStatus();
}

absl::Status CarryOnFrom(const std::string& run, int64_t step) {
  QH_RETURN_IF_ERROR(RemoveUnfinished(run));
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  for (const int64_t newer : steps) {
    if (newer > step) QH_RETURN_IF_ERROR(SetAside(run, newer));
  }
  if (step < 0) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const int64_t best, BestStep(run));
  if (best >= 0) QH_RETURN_IF_ERROR(Link(BestCheckpointPath(run), StepName(best)));
  return Link(LatestCheckpointPath(run), StepName(step));
}

absl::Status PublishCheckpoint(const std::string& run, int64_t step, bool best, int64_t keep) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  QH_RETURN_IF_ERROR(
      Link(LatestCheckpointPath(run), StepName(steps.empty() ? step : steps.back())));
  if (best) QH_RETURN_IF_ERROR(Link(BestCheckpointPath(run), StepName(step)));
  QH_ASSIGN_OR_RETURN(const int64_t best_step, BestStep(run));
  for (size_t i = 0; i + static_cast<size_t>(keep) < steps.size(); ++i)
    if (steps[i] != best_step && steps[i] != step)
      QH_RETURN_IF_ERROR(RemoveCheckpoint(CheckpointPath(run, steps[i])));
  return absl::OkStatus();
}

absl::Status RemoveCheckpoints(const std::string& run) {
  for (const std::string& link : {LatestCheckpointPath(run), BestCheckpointPath(run)})
    for (const std::string& path : {link, DamagedCopyPath(link)})
      QH_RETURN_IF_ERROR(RemoveCheckpoint(path));
  QH_RETURN_IF_ERROR(RemoveUnfinished(run));
  for (const absl::string_view prefix : {absl::string_view(), kDamagedPrefix})
    QH_RETURN_IF_ERROR(RemoveAround(run, prefix, ""));
  std::error_code error;
  std::filesystem::remove(RunCheckpointsPath(run), error);  // refused while something is in it
  return absl::OkStatus();
}

}  // namespace quadhop
