// RUN/: what a run of training leaves behind (run_paths.h has the paths).
//
//   config.textproto              the config, every field
//   store.txt                     the path of the store that it trains on, one line; this file
//                                 marks the folder as a run's
//   trained_on.textproto          that store's manifest as it was
//   split.txt                     the split of the store that it trains on, one line
//   init.txt                      only of a run that begins from weights of a file (--init): its
//                                 path and its XXH3, a line each
//   lock                          which process trains in it (run_claim.h)
//   metrics.jsonl                 one JSON object per line (DESIGN.md section 2)
//   summary.json                  written at the end: its presence means that the run is finished
//   checkpoints/                  see checkpoint_folder.h
//   bad_step.json                 only after a step whose numbers were bad
//   evaluation.json               where the best epoch is right and wrong (results/evaluation.h)
//   machine.json                  what it runs on (run_machine.h)
//   alive.json                    rewritten while it runs (display/sign_of_life.h)
//   events.out.tfevents.*         for TensorBoard (tensorboard/event_file.h)
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/optional.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "core/files/file_lock.h"
#include "core/store/store.pb.h"
#include "launch/config.pb.h"
#include "launch/json/json_object.h"
#include "launch/tensorboard/event_file.h"

namespace quadhop {

// What a run is begun with.
struct RunInputs {
  Config config;  // its backends are chosen (backends.h)
  std::string store;
  StoreManifest manifest;  // of the store
  std::string split;
};

// Written by rank 0 only; the other ranks need only its paths. Not thread-safe.
class RunFolder {
 public:
  enum class Start {
    kNew,        // an empty or absent folder, or one of a run that failed before its first step
    kResume,     // carry on what is there; a new run if nothing is
    kOverwrite,  // remove what a run left there, then a new run
  };
  // kAlreadyExists, saying what to do, if the folder holds a run, finished or not, and `start` is
  // kNew; also the errors of CheckMayHoldARun (run_place.h). Create checks the same, but can be
  // called only after a store was read.
  static absl::Status CheckStart(const std::string& path, Start start);
  // Makes no more than RUN/lock yet, which keeps others out from here on. Errors are those of
  // CheckStart; kFailedPrecondition if another process is training in the folder (if `start` is
  // kResume, waits first, as that process may be ending), or if `start` is kResume and the run's
  // config differs in what matters (see ChangesOnResume).
  static absl::StatusOr<std::unique_ptr<RunFolder>> Create(const std::string& path, Start start,
                                                           RunInputs inputs);
  // To be called once nothing stands against the run, and before anything below is written: makes
  // the folder and writes config.textproto, store.txt, trained_on.textproto and split.txt. Unless
  // `start` is kResume, first removes the files named above, and only those.
  absl::Status Begin();
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // After Begin: kFailedPrecondition if the folder or its lock was removed since, or replaced.
  absl::Status CheckIsThere() const;

  const std::string& path() const { return path_; }
  // What differs in a resumed run from before: "train.epochs: 3, now 5".
  const std::vector<std::string>& changes() const { return changes_; }

  // Appends a line to metrics.jsonl, in one write, and its numbers to the events for TensorBoard.
  // What cannot be written (a full disk) is lost, with a warning once; later lines are whole again.
  void Log(const JsonObject& event);
  // Prints what is logged from now on to `out`, too, one line each. repetition: the name of this
  // run, added to each line, if there are several; else "". Borrows `out`.
  void EchoTo(std::FILE* out, const std::string& repetition) {
    echo_ = out;
    repetition_ = repetition;
  }
  // Begins the events for TensorBoard of a run that will do step `next_step` next.
  absl::Status BeginEvents(int64_t next_step);
  // For a resumed run: removes the lines of steps and epochs that will be done again. Keeps lines
  // whose "step" is below `next_step`, or without one whose "epoch" is at most `last_epoch`, and
  // lines with neither.
  absl::Status DropMetricsAfter(int64_t next_step, int64_t last_epoch);
  // Writes evaluation.json, or machine.json. Atomic; a failure is only a warning.
  void WriteEvaluation(const JsonObject& evaluation);
  void WriteMachine(const JsonObject& machine);
  absl::Status WriteInit(const std::string& path);  // of the weights that the run begins from
  // Writes bad_step.json. Atomic.
  absl::Status WriteBadStep(const JsonObject& report);
  // Finishes the run. Atomic.
  absl::Status WriteSummary(const JsonObject& summary);

 private:
  RunFolder(std::string path, Start start, RunInputs inputs)
      : path_(std::move(path)), start_(start), inputs_(std::move(inputs)) {}
  // Makes sure that the run may stand in the folder, and keeps others out.
  absl::Status Claim();
  absl::Status OpenMetrics();
  absl::Status AppendMetrics(const JsonObject& event);
  void Warn(const absl::Status& lost);  // once per run; not if `lost` is OK

  const std::string path_;
  const Start start_;
  const RunInputs inputs_;
  absl::optional<FileLock> lock_;
  std::vector<std::string> changes_;
  int metrics_fd_ = -1;
  bool warned_ = false;
  std::FILE* echo_ = nullptr;
  std::string repetition_;
  absl::optional<EventFile> events_;
};

// Whether a run is finished: it has a summary.
bool IsFinished(const std::string& run);

// The config of a run, as train wrote it. kNotFound says that `run` is not a run's folder.
absl::StatusOr<Config> ReadRunConfig(const std::string& run);

// The absolute path of the store that a run trained on. kNotFound says that `run` is not a run's
// folder.
absl::StatusOr<std::string> ReadRunStore(const std::string& run);

// The same, for a command that reads the store. kNotFound also if nothing is there any more: it
// says to name the store with --store.
absl::StatusOr<std::string> FindRunStore(const std::string& run);

// The manifest of that store when the run began or was carried on; the store may have been made
// again since. Errors as ReadManifest's.
absl::StatusOr<StoreManifest> ReadTrainedOn(const std::string& run);

// The split that a run trains on; "" for a folder in which no run has begun.
absl::StatusOr<std::string> ReadRunSplit(const std::string& run);

// The file of weights that a run begins from.
struct RunInit {
  std::string path;  // absolute; "": it begins from fresh ones
  std::string xxh3;  // of its bytes, 16 hex digits
};
absl::StatusOr<RunInit> DescribeInit(const std::string& path);  // of --init, or ""
absl::StatusOr<RunInit> ReadRunInit(const std::string& run);

}  // namespace quadhop
