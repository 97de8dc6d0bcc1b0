#include "core/store/store_writer.h"

#include <absl/strings/str_cat.h>
#include <absl/types/optional.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/arrays/npy.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/files/file_lock.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "core/store/store_recovery.h"

namespace quadhop {
namespace {

struct PendingFile {
  std::string name;
  TemporaryFile file;
  absl::Span<uint8_t> bytes;  // the whole file, mapped until it is finished
};

void SetFile(StoreManifest* manifest, const StoreFile& entry) {
  for (StoreFile& file : *manifest->mutable_files()) {
    if (file.name() != entry.name()) continue;
    file = entry;
    return;
  }
  *manifest->add_files() = entry;
}

void SetStep(StoreManifest* manifest, const Provenance& step) {
  for (Provenance& entry : *manifest->mutable_provenance()) {
    if (entry.step() != step.step()) continue;
    entry = step;
    return;
  }
  *manifest->add_provenance() = step;
}

// Puts entries in the order in which `before` has those of the same names; new ones stay last.
template <typename Entries, typename NameOf>
void KeepOrder(const Entries& before, const NameOf& name_of, Entries* entries) {
  const auto place = [&](const auto& entry) {
    return std::find_if(before.begin(), before.end(),
                        [&](const auto& other) { return name_of(other) == name_of(entry); });
  };
  std::stable_sort(entries->begin(), entries->end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
}

// One writer per store at a time, and none while a job reads it.
absl::StatusOr<FileLock> LockStore(const std::string& path) {
  absl::StatusOr<FileLock> lock = FileLock::OfFolder(path);
  if (!absl::IsUnavailable(lock.status())) return lock;
  return absl::FailedPreconditionError(absl::StrCat(
      path,
      ": another process is writing this store, or a job is reading it; wait until it is done"));
}

}  // namespace

struct StoreWriter::Pending {
  absl::optional<FileLock> lock;
  bool made_folder = false;
  bool decided =
      false;  // store.textproto.next is written: the commit goes forward, now or at the next Begin
  std::vector<PendingFile> files;
  StoreManifest before;  // the manifest when the step began; empty if the store is replaced
  CommitHook hook;

  void At(CommitPoint point, const Provenance& step) const {
    if (hook) hook(step.step(), point);
  }
};

StoreWriter::StoreWriter() : pending_(std::make_unique<Pending>()) {}

StoreWriter::~StoreWriter() {
  if (!pending_->decided) {
    for (const PendingFile& file : pending_->files) {
      const std::string path = absl::StrCat(path_, "/", file.name);
      // Best effort: the next Begin removes what is left.
      (void)unlink((path + ".tmp").c_str());
      (void)unlink((path + ".xxh3.tmp").c_str());
    }
    pending_->files.clear();
    if (pending_->made_folder) (void)rmdir(path_.c_str());
  }
}

absl::StatusOr<std::unique_ptr<StoreWriter>> StoreWriter::Lock(const std::string& path,
                                                               CommitHook hook) {
  std::unique_ptr<StoreWriter> writer(new StoreWriter);
  writer->path_ = path;
  writer->manifest_.set_format_version(kStoreFormatVersion);
  writer->pending_->hook = std::move(hook);
  writer->pending_->made_folder = !FileExists(path);
  QH_RETURN_IF_ERROR(MakeDirectories(path));
  QH_ASSIGN_OR_RETURN(FileLock lock, LockStore(path));
  writer->pending_->lock.emplace(std::move(lock));
  return writer;
}

absl::StatusOr<std::unique_ptr<StoreWriter>> StoreWriter::Begin(const std::string& path,
                                                                CommitHook hook) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<StoreWriter> writer, Lock(path, std::move(hook)));
  QH_RETURN_IF_ERROR(RecoverStore(path));
  const std::string manifest_path = absl::StrCat(path, "/", kStoreManifestName);
  if (FileExists(manifest_path)) {
    QH_ASSIGN_OR_RETURN(writer->manifest_, ReadManifest(manifest_path));
    writer->pending_->before = writer->manifest_;
  }
  return writer;
}

absl::StatusOr<std::unique_ptr<StoreWriter>> StoreWriter::BeginAnew(const std::string& path,
                                                                    CommitHook hook) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<StoreWriter> writer, Lock(path, std::move(hook)));
  QH_RETURN_IF_ERROR(CheckMayBeReplaced(path));
  if (absl::Status recovered = RecoverStore(path); !absl::IsDataLoss(recovered)) {
    QH_RETURN_IF_ERROR(recovered);
  } else {
    QH_RETURN_IF_ERROR(RemoveFileIfPresent(absl::StrCat(path, "/", kNextManifestName)));
    QH_RETURN_IF_ERROR(RecoverStore(path));
  }
  return writer;
}

absl::StatusOr<absl::Span<uint8_t>> StoreWriter::AddArray(absl::string_view name, DType dtype,
                                                          absl::Span<const int64_t> dims) {
  int64_t data_bytes = SizeOfDType(dtype);
  for (const int64_t dim : dims) {
    QH_CHECK_GE(dim, 0);
    if (__builtin_mul_overflow(data_bytes, dim, &data_bytes))
      return absl::InvalidArgumentError(absl::StrCat(name, ": its dims have more than 2^63 bytes"));
  }
  const std::string header = NpyHeaderBytes(dtype, dims);
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes,
                      AddFile(name, static_cast<int64_t>(header.size()) + data_bytes));
  std::memcpy(bytes.data(), header.data(), header.size());
  return bytes.subspan(header.size());
}

absl::Status StoreWriter::AddText(absl::string_view name, absl::string_view text) {
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes,
                      AddFile(name, static_cast<int64_t>(text.size())));
  std::copy(text.begin(), text.end(), bytes.begin());
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<uint8_t>> StoreWriter::AddFile(absl::string_view name,
                                                         int64_t num_bytes) {
  QH_RETURN_IF_ERROR(Annotate(CheckFileName(name), path_));
  for (const PendingFile& file : pending_->files) {
    if (file.name == name)
      return absl::AlreadyExistsError(
          absl::StrCat(path_, ": ", name, " was added twice in one step"));
  }
  QH_ASSIGN_OR_RETURN(TemporaryFile file,
                      TemporaryFile::Create(absl::StrCat(path_, "/", name), num_bytes));
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes, file.Map());
  pending_->files.push_back({std::string(name), std::move(file), bytes});
  return bytes;
}

absl::Status StoreWriter::Commit(const Provenance& step, ThreadPool& pool) {
  QH_CHECK(!pending_->decided);
  pending_->At(CommitPoint::kBegin, step);
  StoreManifest next = manifest_;
  next.set_format_version(kStoreFormatVersion);
  // A store that was not partitioned is one partition.
  if (next.partition_offsets_size() == 0) {
    next.add_partition_offsets(0);
    next.add_partition_offsets(next.nodes());
  }
  SetStep(&next, step);
  QH_RETURN_IF_ERROR(CheckManifest(next, path_));
  for (PendingFile& file : pending_->files) {
    const std::string sidecar = FileChecksums::Of(file.bytes, pool).ToText();
    StoreFile entry;
    entry.set_name(file.name);
    entry.set_bytes(static_cast<int64_t>(file.bytes.size()));
    entry.set_sidecar_xxh3(HexOf(Xxh3(sidecar.data(), sidecar.size())));
    SetFile(&next, entry);
    QH_RETURN_IF_ERROR(file.file.Finish());
    const int64_t sidecar_bytes = static_cast<int64_t>(sidecar.size());
    QH_ASSIGN_OR_RETURN(
        TemporaryFile sidecar_file,
        TemporaryFile::Create(absl::StrCat(path_, "/", file.name, ".xxh3"), sidecar_bytes));
    QH_RETURN_IF_ERROR(sidecar_file.WriteAt(0, sidecar.data(), sidecar_bytes));
    QH_RETURN_IF_ERROR(sidecar_file.Finish());
  }
  // So that a store keeps its identity (StoreIdentity) when a part of it is made again.
  const StoreManifest& before = pending_->before;
  KeepOrder(
      before.files(), [](const StoreFile& file) { return file.name(); }, next.mutable_files());
  KeepOrder(
      before.provenance(), [](const Provenance& entry) { return entry.step(); },
      next.mutable_provenance());
  // The temporary files must be found after a crash before the manifest that needs them is.
  QH_RETURN_IF_ERROR(FsyncDirectory(path_));
  pending_->At(CommitPoint::kFilesWritten, step);
  const std::string next_path = absl::StrCat(path_, "/", kNextManifestName);
  const absl::Status written = WriteFileAtomically(next_path, ManifestToText(next));
  // It can be there even after an error: if it could not be made durable.
  pending_->decided = FileExists(next_path);
  QH_RETURN_IF_ERROR(written);
  pending_->At(CommitPoint::kDecided, step);
  QH_RETURN_IF_ERROR(FinishCommit(path_, next));
  manifest_ = std::move(next);
  return absl::OkStatus();
}

}  // namespace quadhop
