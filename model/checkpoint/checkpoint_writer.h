// Writes checkpoints, in the background.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "comm/communicator.h"
#include "model/checkpoint/checkpoint_snapshot.h"

namespace quadhop {

// Called when a write has come to a point: kFilesWritten on all ranks, once this rank's part is
// done, the others on rank 0. An error fails the write. For faults on purpose (train.fail_at).
enum class WritePoint { kFilesWritten, kRename, kPublish };
using WriteHook = std::function<absl::Status(WritePoint)>;

struct CheckpointWrite {
  CheckpointSnapshot snapshot;
  std::string path;
  WriteHook hook;                         // may be empty
  std::function<absl::Status()> publish;  // once it is in place, on rank 0; may be empty
};

// Rank 0, to which the others send their codes, writes `path`.tmp, every file and the folder
// fsynced, then exchanges it with what stood at `path`, which is removed (where the file system
// cannot exchange folders, that is `path`.old for a moment). Collective; fails on all ranks or
// none, and the message names the rank. On error what stood at `path` is unchanged, unless what
// failed was publish or an fsync after the exchange, and the files of `path`.tmp are gone.
absl::Status WriteCheckpoint(Communicator& comm, const CheckpointWrite& write);

// A thread that writes one checkpoint after another, on a communicator of its own. Used by one
// thread.
class CheckpointWriter {
 public:
  // Collective (it duplicates `comm`, which need not outlive it).
  static absl::StatusOr<std::unique_ptr<CheckpointWriter>> Create(Communicator& comm);
  ~CheckpointWriter();  // waits for a write under way
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // What became of a write.
  struct Outcome {
    RunPosition position;
    absl::Status status;  // the same on all ranks, OK or not
    double seconds = 0;
    int64_t bytes = 0;           // of the checkpoint's files; on rank 0, if they were written
    CheckpointWrite unwritten;   // what was to be written, if it failed: to be tried again
    CheckpointSnapshot written;  // if it did not: its memory may be taken again
  };

  // Returns at once. No write is under way: see Wait. Collective.
  void Start(std::vector<CheckpointWrite> writes);
  // The outcomes of the writes that were started last, in their order; none if somebody has asked
  // since. An error is one of the communicator: the job can only be ended.
  absl::StatusOr<std::vector<Outcome>> Wait();
  // Whether Wait would return outcomes without waiting.
  bool HasFinished() const { return finished_; }

 private:
  explicit CheckpointWriter(std::unique_ptr<Communicator> comm) : comm_(std::move(comm)) {}
  void Run();  // the writes of writes_
  Outcome Write(CheckpointWrite write);

  const std::unique_ptr<Communicator> comm_;  // used by the thread alone
  std::vector<CheckpointWrite> writes_;       // of the thread while it runs
  std::thread thread_;
  std::atomic<bool> finished_ = false;
  std::vector<Outcome> outcomes_;  // of the thread until it is joined, as is broken_
  absl::Status broken_;
};

}  // namespace quadhop
