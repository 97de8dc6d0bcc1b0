#include "model/checkpoint/checkpoint_writer.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <fcntl.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "comm/collectives/gather.h"
#include "core/arrays/npy.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "core/files/file.h"
#include "core/threads/out_of_memory.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

// All ranks learn whether all succeeded: if not, every rank returns an error, its own if it has
// one.
absl::Status AgreeOn(Communicator& comm, absl::string_view operation, const absl::Status& mine) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> errors,
                      GatherTexts(comm, operation, MessageOrEmpty(mine)));
  QH_RETURN_IF_ERROR(mine);
  for (size_t r = 0; r < errors.size(); ++r)
    if (!errors[r].empty())
      return absl::AbortedError(absl::StrCat(operation, " failed on rank ", r, ": ", errors[r]));
  return absl::OkStatus();
}

absl::Status WriteTensors(const std::vector<CheckpointSnapshot::Array>& arrays, bool weights,
                          const std::string& path) {
  std::vector<NamedTensor> tensors;
  for (const CheckpointSnapshot::Array& array : arrays)
    tensors.push_back({array.name, array.dtype, array.dims, array.bytes.data()});
  std::map<std::string, std::string> metadata;
  if (weights) metadata["format"] = "pt";  // so that others know whose names these are
  return WriteSafetensors(path, tensors, metadata);
}

// Fills `folder` with the files of a checkpoint, all of them durable. codes: [N].
absl::Status WriteFolder(const CheckpointSnapshot& snapshot, absl::Span<const int16_t> codes,
                         const std::string& folder) {
  QH_RETURN_IF_ERROR(RemoveCheckpoint(folder));  // of a write that was cut short
  QH_RETURN_IF_ERROR(MakeDirectories(folder));
  CheckpointManifest manifest;
  *manifest.mutable_position() = snapshot.position;
  manifest.set_store(snapshot.store);
  for (const auto& [name, arrays] : snapshot.tensors) {
    QH_RETURN_IF_ERROR(WriteTensors(arrays, name == kWeightsFile, folder + "/" + name));
    QH_ASSIGN_OR_RETURN(*manifest.add_files(), DescribeFile(folder, name));
  }
  if (!codes.empty()) {
    const int64_t dims[] = {static_cast<int64_t>(codes.size())};
    QH_RETURN_IF_ERROR(
        WriteNpy(absl::StrCat(folder, "/", kCodesFile), DType::kI16, dims, codes.data()));
    QH_ASSIGN_OR_RETURN(*manifest.add_files(), DescribeFile(folder, kCodesFile));
  }
  return WriteCheckpointManifest(std::move(manifest), folder);
}

// Puts the finished folder in the place of what was there: at once where the file system can
// exchange two folders, else in two steps. If what was there cannot be removed then, the next write
// removes it.
absl::Status Replace(const std::string& from, const std::string& to) {
  if (!FileExists(to)) return RenameFile(from, to);
  const std::filesystem::path parent = std::filesystem::path(to).parent_path();
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    const absl::Status synced = FsyncDirectory(parent.empty() ? "." : parent.string());
    RemoveCheckpoint(from).IgnoreError();
    return synced;
  }
  const std::string old = to + ".old";
  QH_RETURN_IF_ERROR(RemoveCheckpoint(old));
  QH_RETURN_IF_ERROR(RenameFile(to, old));
  const absl::Status renamed = RenameFile(from, to);
  if (renamed.ok()) {
    RemoveCheckpoint(old).IgnoreError();
  } else {
    QH_RETURN_IF_ERROR(RenameFile(old, to));
  }
  return renamed;
}

absl::Status CallHook(const CheckpointWrite& write, WritePoint point) {
  return write.hook ? write.hook(point) : absl::OkStatus();
}

// Rank 0's last part.
absl::Status PutInPlace(const CheckpointWrite& write, const std::string& folder) {
  QH_RETURN_IF_ERROR(CallHook(write, WritePoint::kRename));
  QH_RETURN_IF_ERROR(Replace(folder, write.path));
  QH_RETURN_IF_ERROR(CallHook(write, WritePoint::kPublish));
  return write.publish ? write.publish() : absl::OkStatus();
}

absl::Status WriteInto(Communicator& comm, const CheckpointWrite& write,
                       const std::string& folder) {
  const bool main = comm.rank() == Rank(0);
  QH_ASSIGN_OR_RETURN(
      const std::vector<int16_t> codes,
      GatherToRank<int16_t>(comm, "codes of a checkpoint", Rank(0), write.snapshot.codes));
  absl::Status status = main ? WriteFolder(write.snapshot, codes, folder) : absl::OkStatus();
  if (status.ok()) status = CallHook(write, WritePoint::kFilesWritten);
  QH_RETURN_IF_ERROR(AgreeOn(comm, "write checkpoint", status));
  if (main) status = PutInPlace(write, folder);
  return AgreeOn(comm, "finish checkpoint", status);
}

int64_t BytesOfFiles(const std::string& folder) {
  int64_t bytes = 0;
  for (const std::string& name : ListFolder(folder).value_or(std::vector<std::string>()))
    bytes += FileBytes(absl::StrCat(folder, "/", name)).value_or(0);
  return bytes;
}

}  // namespace

absl::Status WriteCheckpoint(Communicator& comm, const CheckpointWrite& write) {
  const std::string folder = write.path + ".tmp";
  const absl::Status status = WriteInto(comm, write, folder);
  // Makes room on a full disk at once. What cannot be removed now is removed by the next write.
  if (!status.ok() && comm.rank() == Rank(0)) RemoveCheckpoint(folder).IgnoreError();
  return status;
}

absl::StatusOr<std::unique_ptr<CheckpointWriter>> CheckpointWriter::Create(Communicator& comm) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Communicator> own, comm.Duplicate());
  return std::unique_ptr<CheckpointWriter>(new CheckpointWriter(std::move(own)));
}

CheckpointWriter::~CheckpointWriter() {
  if (thread_.joinable()) thread_.join();
}

void CheckpointWriter::Start(std::vector<CheckpointWrite> writes) {
  QH_CHECK(!thread_.joinable());
  finished_ = false;
  writes_ = std::move(writes);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error&) {
    Run();  // no thread is available, but peers count on this rank's part
  }
}

void CheckpointWriter::Run() {
  outcomes_.clear();
  const absl::Status status = OrOutOfMemory("writing a checkpoint", [this] {
    for (CheckpointWrite& write : writes_)
      if (broken_.ok()) outcomes_.push_back(Write(std::move(write)));
    return absl::OkStatus();
  });
  if (!status.ok()) broken_ = status;  // in the middle of what ranks do together
  writes_.clear();
  finished_ = true;
}

CheckpointWriter::Outcome CheckpointWriter::Write(CheckpointWrite write) {
  const Stopwatch watch;
  Outcome outcome;
  outcome.position = write.snapshot.position;
  outcome.status = WriteCheckpoint(*comm_, write);
  outcome.seconds = watch.Seconds();
  if (outcome.status.ok()) {
    if (comm_->rank() == Rank(0)) outcome.bytes = BytesOfFiles(write.path);
    outcome.written = std::move(write.snapshot);
    return outcome;
  }
  // A write that failed for lack of disk space leaves ranks in step; a broken communicator does
  // not.
  broken_ = comm_->Barrier("after a failed checkpoint");
  outcome.unwritten = std::move(write);
  return outcome;
}

absl::StatusOr<std::vector<CheckpointWriter::Outcome>> CheckpointWriter::Wait() {
  if (thread_.joinable()) {
    thread_.join();
  } else if (!finished_) {
    return std::vector<Outcome>();
  }
  finished_ = false;
  QH_RETURN_IF_ERROR(broken_);
  return std::move(outcomes_);
}

}  // namespace quadhop
