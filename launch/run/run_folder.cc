#include "launch/run/run_folder.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/base/warning.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "launch/config/config.h"
#include "launch/json/json_fields.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/resume_check.h"
#include "launch/run/run_claim.h"
#include "launch/run/run_paths.h"
#include "launch/run/run_place.h"

namespace quadhop {
namespace {

// How long a process that was told to end may take, or a file server to find that the host of one
// is gone.
constexpr absl::Duration kTimeToEnd = absl::Seconds(100);

bool HasBegunTraining(const std::string& run) {
  const absl::StatusOr<int64_t> metrics_bytes = FileBytes(RunMetricsPath(run));
  const std::string checkpoints = RunCheckpointsPath(run);
  std::error_code error;
  return IsFinished(run) || (metrics_bytes.ok() && *metrics_bytes > 0) ||
         (FileExists(checkpoints) && !std::filesystem::is_empty(checkpoints, error));
}

absl::Status RemoveRun(const std::string& run) {
  QH_ASSIGN_OR_RETURN(std::vector<std::string> files, ListEventFiles(run));
  files.insert(files.end(),
               {RunSummaryPath(run), RunBadStepPath(run), RunEvaluationPath(run),
                RunMachinePath(run), RunAlivePath(run), RunMetricsPath(run), RunConfigPath(run),
                RunTrainedOnPath(run), RunSplitPath(run), RunInitPath(run)});
  for (const std::string& file : files) {
    QH_RETURN_IF_ERROR(RemoveFileIfPresent(file));
  }
  return RemoveCheckpoints(run);
}

// Whether a resumed run that has done next_step steps and last_epoch epochs keeps the line.
bool KeepsLine(absl::string_view line, int64_t next_step, int64_t last_epoch) {
  const nlohmann::json event = ParseJson(line);
  if (!event.is_object()) return false;  // the last line of a run that was killed
  const auto step = event.find("step");
  if (step != event.end() && step->is_number_integer()) return step->get<int64_t>() < next_step;
  const auto epoch = event.find("epoch");
  return epoch == event.end() || !epoch->is_number_integer() || epoch->get<int64_t>() <= last_epoch;
}

// The stretches of the text that a resumed run keeps, each of one or more whole lines.
std::vector<absl::string_view> KeptStretches(absl::string_view text, int64_t next_step,
                                             int64_t last_epoch) {
  std::vector<absl::string_view> kept;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const absl::string_view line = text.substr(at, end + 1 - at);
    at = end + 1;
    if (!KeepsLine(line, next_step, last_epoch)) continue;
    if (!kept.empty() && kept.back().end() == line.begin())
      kept.back() = {kept.back().data(), kept.back().size() + line.size()};
    else
      kept.push_back(line);
  }
  if (!kept.empty() && kept.back().back() != '\n') kept.push_back("\n");
  return kept;
}

absl::Status NeedFile(const std::string& run, const std::string& path) {
  QH_ASSIGN_OR_RETURN(const bool is_there, IsPresent(path));
  if (is_there) return absl::OkStatus();
  const std::vector<std::string> within = RunsIn(run);
  if (!within.empty())
    return absl::NotFoundError(absl::StrCat(
        run, " holds runs over seeds or splits, but is not one itself: name one of them, ", run,
        "/", within.front()));
  return absl::NotFoundError(absl::StrCat(run, " is not the folder of a run: there is no ", path));
}

}  // namespace

bool IsFinished(const std::string& run) { return FileExists(RunSummaryPath(run)); }

absl::StatusOr<Config> ReadRunConfig(const std::string& run) {
  QH_RETURN_IF_ERROR(NeedFile(run, RunConfigPath(run)));
  // A --config may be a pipe, the config of a run may not.
  QH_RETURN_IF_ERROR(ReadRegularFile(RunConfigPath(run)).status());
  return LoadConfig(RunConfigPath(run), {});
}

absl::StatusOr<std::string> ReadRunStore(const std::string& run) {
  QH_RETURN_IF_ERROR(NeedFile(run, RunStorePath(run)));
  QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(RunStorePath(run)));
  return std::string(absl::StripSuffix(text, "\n"));  // a path may end with a blank
}

absl::StatusOr<std::string> FindRunStore(const std::string& run) {
  QH_ASSIGN_OR_RETURN(std::string store, ReadRunStore(run));
  absl::StatusOr<bool> is_there = IsPresent(store);
  QH_RETURN_IF_ERROR(Annotate(is_there.status(), absl::StrCat(run, " was trained on ", store)));
  if (*is_there) return store;
  return absl::NotFoundError(absl::StrCat(
      run, " was trained on ", store, ", which is not there: if it moved, name it with --store"));
}

absl::StatusOr<StoreManifest> ReadTrainedOn(const std::string& run) {
  return ReadManifest(RunTrainedOnPath(run));
}

absl::StatusOr<std::string> ReadRunSplit(const std::string& run) {
  if (!FileExists(RunSplitPath(run))) return "";
  QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(RunSplitPath(run)));
  return std::string(absl::StripSuffix(text, "\n"));
}

absl::StatusOr<RunInit> DescribeInit(const std::string& path) {
  if (path.empty()) return RunInit();
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return RunInit{AbsolutePath(path), HexOf(Xxh3(file.bytes().data(), file.bytes().size()))};
}

absl::StatusOr<RunInit> ReadRunInit(const std::string& run) {
  const std::string path = RunInitPath(run);
  if (!FileExists(path)) return RunInit();
  QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(path));
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 3)
    return absl::DataLossError(absl::StrCat(path, " is not a path and a checksum: restore it"));
  return RunInit{lines[0], lines[1]};
}

absl::Status RunFolder::CheckStart(const std::string& run, Start start) {
  QH_RETURN_IF_ERROR(CheckMayHoldARun(run));
  if (start != Start::kNew || !HasBegunTraining(run)) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, ListCheckpointSteps(run));
  const auto num_checkpoints = static_cast<int64_t>(steps.size());
  return absl::AlreadyExistsError(
      absl::StrCat(run, " holds ", IsFinished(run) ? "a finished run" : "an unfinished run", " (",
                   Counted(num_checkpoints, "checkpoint"),
                   "); choose another --run, carry it on with --resume, or replace it with "
                   "--overwrite"));
}

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Create(const std::string& path, Start start,
                                                             RunInputs inputs) {
  std::unique_ptr<RunFolder> folder(new RunFolder(path, start, std::move(inputs)));
  if (FileExists(path)) QH_RETURN_IF_ERROR(folder->Claim());
  if (start == Start::kResume && FileExists(RunConfigPath(path))) {
    QH_ASSIGN_OR_RETURN(const Config before, ReadRunConfig(path));
    QH_ASSIGN_OR_RETURN(folder->changes_, ChangesOnResume(before, folder->inputs_.config));
  }
  return folder;
}

absl::Status RunFolder::Claim() {
  QH_RETURN_IF_ERROR(CheckMayHoldARun(path_));
  QH_ASSIGN_OR_RETURN(
      FileLock lock,
      ClaimFolder(path_, start_ == Start::kResume ? kTimeToEnd : absl::ZeroDuration()));
  lock_.emplace(std::move(lock));
  return CheckStart(path_, start_);
}

absl::Status RunFolder::CheckIsThere() const {
  if (lock_->IsOf(RunLockPath(path_))) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path_,
                   ", or its file `lock`, was removed, moved or replaced while this run "
                   "trained in it: if its checkpoints are still somewhere, carry on with --resume, "
                   "else train again"));
}

absl::Status RunFolder::Begin() {
  QH_RETURN_IF_ERROR(MakeDirectories(path_));
  if (!lock_.has_value()) QH_RETURN_IF_ERROR(Claim());
  // Written first, as it tells a run's folder from others.
  QH_RETURN_IF_ERROR(WriteFileAtomically(RunStorePath(path_), AbsolutePath(inputs_.store) + "\n"));
  if (start_ != Start::kResume) QH_RETURN_IF_ERROR(RemoveRun(path_));
  QH_RETURN_IF_ERROR(RemoveFileIfPresent(RunSummaryPath(path_)));  // it is no longer finished
  QH_RETURN_IF_ERROR(MakeDirectories(RunCheckpointsPath(path_)));
  QH_RETURN_IF_ERROR(
      WriteFileAtomically(RunTrainedOnPath(path_), ManifestToText(inputs_.manifest)));
  QH_RETURN_IF_ERROR(WriteFileAtomically(RunSplitPath(path_), inputs_.split + "\n"));
  QH_RETURN_IF_ERROR(WriteFileAtomically(RunConfigPath(path_), ConfigToText(inputs_.config)));
  return OpenMetrics();
}

RunFolder::~RunFolder() {
  if (metrics_fd_ >= 0) close(metrics_fd_);
}

absl::Status RunFolder::OpenMetrics() {
  if (metrics_fd_ >= 0) close(metrics_fd_);
  metrics_fd_ =
      open(RunMetricsPath(path_).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (metrics_fd_ >= 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("open ", RunMetricsPath(path_)));
}

void RunFolder::Log(const JsonObject& event) {
  absl::Status written = AppendMetrics(event);
  if (events_.has_value()) written.Update(events_->AddLine(event.ToString()));
  if (echo_ != nullptr) {
    JsonObject line = event;
    if (!repetition_.empty()) line.Add("run", repetition_);
    std::fprintf(echo_, "%s\n", line.ToString().c_str());
    std::fflush(echo_);
  }
  Warn(written);
}

void RunFolder::Warn(const absl::Status& lost) {
  if (lost.ok() || warned_) return;
  warned_ = true;
  PrintWarning(absl::StrCat("lines of metrics are lost, training goes on: ", lost.message()));
}

absl::Status RunFolder::AppendMetrics(const JsonObject& event) {
  // Half a line would not be JSON to whoever reads the file.
  return AppendWhole(metrics_fd_, absl::StrCat(event.ToString(), "\n"), RunMetricsPath(path_));
}

absl::Status RunFolder::BeginEvents(int64_t next_step) {
  QH_ASSIGN_OR_RETURN(EventFile events, EventFile::Create(path_, next_step));
  events_.emplace(std::move(events));
  return events_->AddHyperParameters(inputs_.config);
}

absl::Status RunFolder::DropMetricsAfter(int64_t next_step, int64_t last_epoch) {
  // Not read whole: the lines of a long run are gigabytes.
  QH_ASSIGN_OR_RETURN(const MappedFile before, MappedFile::Open(RunMetricsPath(path_)));
  const std::vector<absl::string_view> kept = KeptStretches(before.text(), next_step, last_epoch);
  int64_t num_bytes = 0;
  for (const absl::string_view lines : kept) num_bytes += static_cast<int64_t>(lines.size());
  QH_ASSIGN_OR_RETURN(TemporaryFile after, TemporaryFile::Create(RunMetricsPath(path_), num_bytes));
  int64_t at = 0;
  for (const absl::string_view lines : kept) {
    QH_RETURN_IF_ERROR(after.WriteAt(at, lines.data(), static_cast<int64_t>(lines.size())));
    at += static_cast<int64_t>(lines.size());
  }
  QH_RETURN_IF_ERROR(after.TakeName());
  return OpenMetrics();
}

absl::Status RunFolder::WriteBadStep(const JsonObject& report) {
  return WriteFileAtomically(RunBadStepPath(path_), report.ToString() + "\n");
}

void RunFolder::WriteEvaluation(const JsonObject& evaluation) {
  Warn(WriteFileAtomically(RunEvaluationPath(path_), evaluation.ToString() + "\n"));
}

void RunFolder::WriteMachine(const JsonObject& machine) {
  Warn(WriteFileAtomically(RunMachinePath(path_), machine.ToString() + "\n"));
}

absl::Status RunFolder::WriteInit(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const RunInit init, DescribeInit(path));
  return WriteFileAtomically(RunInitPath(path_), absl::StrCat(init.path, "\n", init.xxh3, "\n"));
}

absl::Status RunFolder::WriteSummary(const JsonObject& summary) {
  if (events_.has_value()) Warn(events_->AddEnd());
  return WriteFileAtomically(RunSummaryPath(path_), summary.ToString() + "\n");
}

}  // namespace quadhop
