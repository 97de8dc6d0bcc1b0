// Steps of prep on a store, each all or nothing. DESIGN.md section 3.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/arrays/dtype.h"
#include "core/store/store.pb.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// Points at which StoreWriter::Commit calls its hook, with the step's name: all is computed; the
// new files are on disk, under temporary names; the new manifest is there, so that the next Begin()
// would finish. For fault injection (--fail-at).
enum class CommitPoint { kBegin, kFilesWritten, kDecided };
using CommitHook = std::function<void(absl::string_view step, CommitPoint point)>;

// One step of prep on a store (new or existing): files are written under temporary names, and
// Commit() gives them their names together with the new manifest, all or none. An interrupted
// Commit is finished by the next Begin().
class StoreWriter {
 public:
  // Creates the folder if needed, and first finishes a commit that was interrupted. manifest() is
  // the existing store's, or empty except for its format version. kFailedPrecondition: another
  // writer is at work on the store. kDataLoss: its manifest is damaged, or an interrupted commit
  // lacks files. `hook` may be empty.
  static absl::StatusOr<std::unique_ptr<StoreWriter>> Begin(const std::string& path,
                                                            CommitHook hook = {});
  // For a step that replaces the whole store, whatever state it is in: manifest() is empty except
  // for its format version, and Commit removes the files that are not added again, as far as the
  // old manifest can be read. kFailedPrecondition, changing nothing, if the folder holds files that
  // are not a store's: it may be absent, empty, a store, or what an interrupted step left of one.
  static absl::StatusOr<std::unique_ptr<StoreWriter>> BeginAnew(const std::string& path,
                                                                CommitHook hook = {});
  ~StoreWriter();  // without Commit: the temporary files are removed, the store is as it was

  // Files that are taken out of it (LeaveOut of manifest.h) are removed by Commit.
  StoreManifest& manifest() { return manifest_; }
  // A file of the store, to be filled by the caller. dims and dtype go into its header. The
  // returned span is the data, zero at first, aligned to 64 bytes, valid until Commit().
  // kResourceExhausted, naming the bytes needed and free, if the disk has no room;
  // kInvalidArgument: a name that a store cannot have; kAlreadyExists: added before in this step.
  absl::StatusOr<absl::Span<uint8_t>> AddArray(absl::string_view name, DType dtype,
                                               absl::Span<const int64_t> dims);
  // The same, as elements of type T.
  template <typename T>
  absl::StatusOr<absl::Span<T>> AddArrayOf(absl::string_view name, absl::Span<const int64_t> dims);
  absl::Status AddText(absl::string_view name, absl::string_view text);
  // A file of num_bytes, to be filled as an array is; errors as AddArray's.
  absl::StatusOr<absl::Span<uint8_t>> AddFile(absl::string_view name, int64_t num_bytes);
  // Checksums, fsyncs, renames. `step` with its options is recorded, in place of an entry of the
  // same name; later steps that were made from what it replaced are struck from the provenance by
  // the caller (see manifest()). A manifest without partition offsets gets those of one partition.
  // kInvalidArgument: the manifest is out of range; then, and after any error before the new
  // manifest is on disk, the store is unchanged. After a later error the next Begin() finishes the
  // commit. Call once.
  absl::Status Commit(const Provenance& step, ThreadPool& pool);

 private:
  struct Pending;
  StoreWriter();
  static absl::StatusOr<std::unique_ptr<StoreWriter>> Lock(const std::string& path,
                                                           CommitHook hook);
  std::string path_;
  StoreManifest manifest_;
  std::unique_ptr<Pending> pending_;
};

template <typename T>
absl::StatusOr<absl::Span<T>> StoreWriter::AddArrayOf(absl::string_view name,
                                                      absl::Span<const int64_t> dims) {
  absl::StatusOr<absl::Span<uint8_t>> bytes = AddArray(name, DTypeOf<T>(), dims);
  if (!bytes.ok()) return bytes.status();
  return absl::MakeSpan(reinterpret_cast<T*>(bytes->data()), bytes->size() / sizeof(T));
}

}  // namespace quadhop
