// A run's event file for TensorBoard, appended event by event: scalars and hyper-parameters.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "launch/config.pb.h"
#include "launch/tensorboard/event.pb.h"

namespace quadhop {

// Not thread-safe. Moves, does not copy.
class EventFile {
 public:
  // A new file, FOLDER/events.out.tfevents.TIME.HOST.PID. first_step: what other files of the
  // folder have for this step and later ones no longer counts.
  static absl::StatusOr<EventFile> Create(const std::string& folder, int64_t first_step);
  EventFile(EventFile&& other) noexcept;
  EventFile& operator=(EventFile&&) = delete;
  ~EventFile();

  // An event that cannot be written is an error, and none of it stays in the file, so that later
  // events can be read.
  //
  // Every field of the config by its path, and later how the run ended.
  absl::Status AddHyperParameters(const Config& config);
  absl::Status AddEnd();
  // The numbers of a line of metrics.jsonl, under the name of its event: "epoch/train_loss". Lines
  // other than those of steps and epochs add none. Each is written at once.
  absl::Status AddLine(absl::string_view json);

 private:
  explicit EventFile(std::string path) : path_(std::move(path)) {}
  absl::Status Add(tensorboard::Event event);
  absl::Status AddHyperParameterEvent(const std::string& tag,
                                      const tensorboard::HyperParameters& content);

  std::string path_;
  int fd_ = -1;
};

// The event files of a run, for whoever replaces it; none if there is no such folder.
absl::StatusOr<std::vector<std::string>> ListEventFiles(const std::string& folder);

}  // namespace quadhop
