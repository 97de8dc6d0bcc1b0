// RUN/: what a run of training leaves behind.
//
//   config.textproto              the config, every field
//   store.txt                     the path of the store that it trains on, a line
//   metrics.jsonl                 one JSON object a line (DESIGN.md section 2)
//   summary.json                  written at the end: its presence means that the run is finished
//   checkpoints/step-0000000120/  after so many steps
//   checkpoints/best/             the best on the validation nodes
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "launch/config.pb.h"
#include "launch/json_object.h"

namespace quadhop {

// Written by rank 0 only; the other ranks need its paths alone. Not thread-safe.
class RunFolder {
 public:
  enum class Start {
    kNew,        // an empty or absent folder
    kResume,     // carry on what is there; a new run if nothing is
    kOverwrite,  // remove what a run left there, then a new run
  };
  // Makes the folder and writes config.textproto and store.txt. kAlreadyExists, saying what to do,
  // if the folder holds a run, finished or not, and `start` is kNew; nothing is changed then.
  // kOverwrite removes only the files named above.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Create(const std::string& path, Start start,
                                                           const Config& config,
                                                           const std::string& store);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::string& path() const { return path_; }

  // Appends a line to metrics.jsonl, in one write.
  absl::Status AppendMetrics(const JsonObject& event);
  // For a resumed run: removes the lines of steps and epochs that will be done again. Keeps lines
  // whose "step" is below `next_step`, or without one whose "epoch" is at most `last_epoch`, and
  // lines with neither.
  absl::Status DropMetricsAfter(int64_t next_step, int64_t last_epoch);
  // Finishes the run. Atomic.
  absl::Status WriteSummary(const JsonObject& summary);

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  absl::Status OpenMetrics();
  std::string path_;
  int metrics_fd_ = -1;
};

// Paths inside a run folder, for every rank and for the commands that read a run.
std::string RunConfigPath(const std::string& run);
std::string RunStorePath(const std::string& run);  // of store.txt
std::string RunMetricsPath(const std::string& run);
std::string RunSummaryPath(const std::string& run);
std::string RunCheckpointsPath(const std::string& run);
std::string CheckpointPath(const std::string& run, int64_t step);
std::string BestCheckpointPath(const std::string& run);

// Steps that have a checkpoint's folder or file in RUN/checkpoints, ascending, whether or not it is
// intact. Names that are not a checkpoint's (also those that end in .tmp) are passed over.
std::vector<int64_t> ListCheckpointSteps(const std::string& run);

// The path of a checkpoint of a run: `which` is "best", "latest" or a number of steps. kNotFound
// names those there are; kInvalidArgument if `which` is none of these.
absl::StatusOr<std::string> FindCheckpoint(const std::string& run, const std::string& which);

// The config of a run, as train wrote it. kNotFound says that `run` is no run folder.
absl::StatusOr<Config> ReadRunConfig(const std::string& run);

// The absolute path of the store that a run trained on. kNotFound says that `run` is no run folder.
absl::StatusOr<std::string> ReadRunStore(const std::string& run);

}  // namespace quadhop
