#include "model/checkpoint_writer.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fcntl.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "comm/gather.h"
#include "core/check.h"
#include "core/file.h"
#include "core/npy.h"
#include "core/status.h"
#include "model/checkpoint_parts.h"
#include "model/safetensors.h"

namespace quadhop {
namespace {

// All ranks learn of each other's files, and whether all succeeded: else an error on every rank,
// which is this rank's own if it has one.
absl::StatusOr<std::vector<CheckpointShare>> AgreeOn(Communicator& comm,
                                                     absl::string_view operation,
                                                     const absl::Status& mine,
                                                     CheckpointShare share) {
  share.set_error(MessageOrEmpty(mine));
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> texts,
                      GatherTexts(comm, operation, share.SerializeAsString()));
  QH_RETURN_IF_ERROR(mine);
  std::vector<CheckpointShare> shares(texts.size());
  for (size_t r = 0; r < texts.size(); ++r) {
    if (!shares[r].ParseFromString(texts[r]))
      return absl::InternalError(
          absl::StrCat(operation, ": rank ", r, " sent what cannot be read"));
    if (!shares[r].error().empty())
      return absl::AbortedError(
          absl::StrCat(operation, " failed on rank ", r, ": ", shares[r].error()));
  }
  return shares;
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

// Writes this rank's files and adds them to `share`.
absl::Status WriteOwnFiles(const CheckpointSnapshot& snapshot, const std::string& folder,
                           CheckpointShare& share) {
  std::vector<std::string> names;
  for (const auto& [name, arrays] : snapshot.tensors) {
    QH_RETURN_IF_ERROR(WriteTensors(arrays, name == kWeightsFile, folder + "/" + name));
    names.push_back(name);
  }
  for (const auto& [name, codes] : snapshot.codes) {
    const int64_t dims[] = {static_cast<int64_t>(codes.size())};
    QH_RETURN_IF_ERROR(WriteNpy(folder + "/" + name, DType::kI16, dims, codes.data()));
    names.push_back(name);
  }
  for (const std::string& name : names) {
    QH_ASSIGN_OR_RETURN(*share.add_files(), DescribeFile(folder, name));
  }
  return absl::OkStatus();
}

CheckpointManifest ManifestOf(const CheckpointSnapshot& snapshot,
                              const std::vector<CheckpointShare>& shares) {
  CheckpointManifest manifest;
  *manifest.mutable_position() = snapshot.position;
  manifest.set_store(snapshot.store);
  manifest.set_partitions(snapshot.partitions);
  for (const CheckpointShare& share : shares) manifest.mutable_files()->MergeFrom(share.files());
  return manifest;
}

// Puts the finished folder in the place of what was there: at once where the file system can
// exchange two folders, else in two steps. What was there and cannot be removed then is removed by
// the next write.
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

absl::Status PrepareFolder(const std::string& folder) {
  QH_RETURN_IF_ERROR(RemoveCheckpoint(folder));  // of a write that was cut short
  return MakeDirectories(folder);
}

// Rank 0's last part.
absl::Status PutInPlace(const CheckpointWrite& write, const std::vector<CheckpointShare>& shares,
                        const std::string& folder) {
  QH_RETURN_IF_ERROR(WriteCheckpointManifest(ManifestOf(write.snapshot, shares), folder));
  QH_RETURN_IF_ERROR(FsyncDirectory(folder));
  QH_RETURN_IF_ERROR(CallHook(write, WritePoint::kRename));
  QH_RETURN_IF_ERROR(Replace(folder, write.path));
  QH_RETURN_IF_ERROR(CallHook(write, WritePoint::kPublish));
  return write.publish ? write.publish() : absl::OkStatus();
}

absl::Status WriteInto(Communicator& comm, const CheckpointWrite& write,
                       const std::string& folder) {
  const bool main = comm.rank() == Rank(0);
  QH_RETURN_IF_ERROR(
      AgreeOn(comm, "begin checkpoint", main ? PrepareFolder(folder) : absl::OkStatus(), {})
          .status());
  CheckpointShare share;
  absl::Status status = WriteOwnFiles(write.snapshot, folder, share);
  if (status.ok()) status = CallHook(write, WritePoint::kFilesWritten);
  QH_ASSIGN_OR_RETURN(const std::vector<CheckpointShare> shares,
                      AgreeOn(comm, "write checkpoint", status, share));
  if (main) status = PutInPlace(write, shares, folder);
  return AgreeOn(comm, "finish checkpoint", status, {}).status();
}

}  // namespace

absl::Status WriteCheckpoint(Communicator& comm, const CheckpointWrite& write) {
  const std::string folder = write.path + ".tmp";
  const absl::Status status = WriteInto(comm, write, folder);
  // Room on a full disk is made at once. What cannot be removed is removed by the next write.
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
    Run();  // no thread to be had: peers count on this rank's part
  }
}

void CheckpointWriter::Run() {
  outcomes_.clear();
  for (CheckpointWrite& write : writes_)
    if (broken_.ok()) outcomes_.push_back(Write(std::move(write)));
  writes_.clear();
  finished_ = true;
}

CheckpointWriter::Outcome CheckpointWriter::Write(CheckpointWrite write) {
  const absl::Time start = absl::Now();
  Outcome outcome;
  outcome.position = write.snapshot.position;
  outcome.status = WriteCheckpoint(*comm_, write);
  outcome.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  for (const auto& [name, arrays] : write.snapshot.tensors)
    for (const CheckpointSnapshot::Array& array : arrays)
      outcome.bytes += static_cast<int64_t>(array.bytes.size());
  for (const auto& [name, codes] : write.snapshot.codes)
    outcome.bytes += static_cast<int64_t>(codes.size() * sizeof(int16_t));
  if (outcome.status.ok()) {
    outcome.written = std::move(write.snapshot);
    return outcome;
  }
  // A write that failed for want of disk leaves ranks in step; a broken communicator does not.
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
