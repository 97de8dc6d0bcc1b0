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

#include "comm/collectives/communicator.h"
#include "model/checkpoint/checkpoint_snapshot.h"

namespace quadhop {

// Called when a write reaches a point: kFilesWritten on all ranks, each once its part is done; the
// other points on rank 0. An error fails the write. For deliberate faults (train.fail_at).
enum class WritePoint { kFilesWritten, kRename, kPublish };
using WriteHook = std::function<absl::Status(WritePoint)>;

struct CheckpointWrite {
  CheckpointSnapshot snapshot;
  std::string path;
  WriteHook hook;                         // may be empty
  std::function<absl::Status()> publish;  // called on rank 0 once it is in place; may be empty
};

// The other ranks send their codes to rank 0. It writes `path`.tmp, with every file and the folder
// fsynced, exchanges it with what was at `path`, and removes the latter (which is `path`.old for a
// moment if the file system cannot exchange folders). Collective: fails on all ranks or none, and
// the message names the rank. On error the files of `path`.tmp are gone, and what was at `path` is
// unchanged unless publish or an fsync after the exchange failed.
absl::Status WriteCheckpoint(Communicator& comm, const CheckpointWrite& write);

// A thread that writes one checkpoint after another, on a communicator of its own. Used by one
// thread.
class CheckpointWriter {
 public:
  // Collective (it duplicates `comm`, which need not outlive the writer).
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
    CheckpointWrite unwritten;   // if it failed: what was to be written, for another try
    CheckpointSnapshot written;  // if it did not fail: its memory may be reused
  };

  // Returns at once. No write may be under way: see Wait. Collective.
  void Start(std::vector<CheckpointWrite> writes);
  // Waits for the writes that were started last, and returns their outcomes in order; none if they
  // have been returned before. An error means that the communicator is broken: the job can only be
  // ended.
  absl::StatusOr<std::vector<Outcome>> Wait();
  // Whether Wait would return outcomes without waiting.
  bool HasFinished() const { return finished_; }

 private:
  explicit CheckpointWriter(std::unique_ptr<Communicator> comm) : comm_(std::move(comm)) {}
  void Run();  // performs writes_
  Outcome Write(CheckpointWrite write);

  const std::unique_ptr<Communicator> comm_;  // used by the thread alone
  std::vector<CheckpointWrite> writes_;       // belongs to the thread while it runs
  std::thread thread_;
  std::atomic<bool> finished_ = false;
  std::vector<Outcome> outcomes_;  // belongs to the thread until it is joined, as does broken_
  absl::Status broken_;
};

}  // namespace quadhop
