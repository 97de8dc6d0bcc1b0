// A store: one graph on disk, ready to train on. DESIGN.md section 3; docs/formats.md draws the
// layout.
//
// Nodes are numbered in partition order: partition p is nodes [partition_offsets[p],
// partition_offsets[p+1]).
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/ids.h"
#include "core/npy.h"
#include "core/store.pb.h"
#include "core/thread_pool.h"

namespace quadhop {

inline constexpr int32_t kStoreFormatVersion = 1;
inline constexpr int32_t kUnlabelled = -1;      // in labels [N]
inline constexpr uint8_t kUnlabelledMulti = 2;  // in labels [N, L]

enum class SplitPart : uint8_t { kNone = 0, kTrain = 1, kValid = 2, kTest = 3 };

// Out-neighbours of every node, ascending, without duplicates or self-loops. Borrowed from a Store
// (or from a test).
struct Topology {
  absl::Span<const int64_t> indptr;  // [N + 1]
  // Exactly one of the two is in use, by the width of ids on disk.
  absl::Span<const uint32_t> indices32;  // [E], values in [0, N)
  absl::Span<const int64_t> indices64;   // [E], values in [0, N)

  int64_t num_nodes() const { return static_cast<int64_t>(indptr.size()) - 1; }
  int64_t num_arcs() const { return indptr.empty() ? 0 : indptr.back(); }
  int64_t degree(int64_t node) const {
    return indptr[static_cast<size_t>(node) + 1] - indptr[static_cast<size_t>(node)];
  }
};

// Hop features: row v is the node's (x, Ax, A^2 x, ...), contiguous.
struct FeatureTable {
  DType dtype = DType::kF32;   // kF32, kF16 or kBF16
  const void* data = nullptr;  // [N, 1 + hops, F]
  int64_t num_nodes = 0;
  int64_t hops_and_self = 0;                                  // 1 + hops
  int64_t width = 0;                                          // F
  int64_t row_size() const { return hops_and_self * width; }  // elements
  int64_t row_bytes() const { return row_size() * SizeOfDType(dtype); }
};

// A store opened for reading. Files are mapped when first asked for; sizes and headers are checked
// against the manifest, and data against the checksums when `Verify...` is called. Thread-safe
// after Open.
class Store {
 public:
  // kNotFound: no such folder or manifest. kFailedPrecondition: another format version, or a step
  // of prep was interrupted. kDataLoss: the manifest's checksum, or a file's size, is not what it
  // says. Files of `may_lack` that are missing or damaged (size or sidecar) are left out with the
  // step that made them, as if it had not been done: for steps that make them anew.
  static absl::StatusOr<std::unique_ptr<Store>> Open(
      const std::string& path, absl::Span<const absl::string_view> may_lack = {});
  ~Store();

  const std::string& path() const { return path_; }
  const StoreManifest& manifest() const { return manifest_; }
  int64_t num_nodes() const { return manifest_.nodes(); }
  int32_t num_partitions() const { return manifest_.partition_offsets_size() - 1; }
  BlockRange PartitionNodes(PartitionId p) const;
  // The step (as in Provenance) with its options, or nullptr if it was not done.
  const Provenance* FindStep(absl::string_view step) const;
  bool HasFile(absl::string_view name) const;

  // Arrays by part. kFailedPrecondition, saying which command makes it, if the store has no such
  // file yet.
  absl::StatusOr<Topology> topology() const;
  absl::StatusOr<FeatureTable> features() const;
  absl::StatusOr<absl::Span<const int32_t>> labels() const;  // [N]; not for multi-label stores
  absl::StatusOr<absl::Span<const uint8_t>> multi_labels() const;  // [N, C]
  absl::StatusOr<absl::Span<const uint8_t>> split(
      absl::string_view name) const;  // [N] of SplitPart; "" is the first by name
  absl::StatusOr<TensorView<const float>> pos_enc() const;         // [N, G]
  absl::StatusOr<absl::Span<const int64_t>> original_ids() const;  // [N]
  absl::StatusOr<const NpyFile*> array(
      absl::string_view name) const;  // any file of the store, e.g. "raw.npy"

  // The split that `split("")` means.
  std::string DefaultSplit() const;

  // Checks data against checksums: all files; those of `names` that the store has; or the rows of
  // some nodes in every file that has rows of nodes. Of these, too, whole chunks are read: ask for
  // all nodes at once.
  absl::Status VerifyAll(ThreadPool& pool) const;
  absl::Status VerifyFiles(absl::Span<const absl::string_view> names, ThreadPool& pool) const;
  absl::Status VerifyNodes(BlockRange nodes, ThreadPool& pool) const;

 private:
  struct Files;
  // The rows of nodes in a CSR pair; fine if the store has none.
  absl::Status VerifyLists(BlockRange nodes, absl::string_view indptr_name,
                           std::initializer_list<absl::string_view> list_names,
                           ThreadPool& pool) const;
  Store();
  std::string path_;
  StoreManifest manifest_;
  std::unique_ptr<Files> files_;
};

// Called by StoreWriter::Commit with the step's name: all is computed; the new files are on disk,
// under temporary names; the new manifest is there, so that the next Begin() would finish. For
// faults on purpose (--fail-at).
enum class CommitPoint { kBegin, kFilesWritten, kDecided };
using CommitHook = std::function<void(absl::string_view step, CommitPoint point)>;

// One step of prep on a store (new or present): files are written beside, and take their names,
// with the new manifest, all or none, in Commit(). An interrupted Commit is finished by the next
// Begin().
class StoreWriter {
 public:
  // Creates the folder if needed, and first finishes a commit that was interrupted. manifest() is
  // the present store's, or empty but for its format version. kFailedPrecondition: another writer
  // is at work on the store. kDataLoss: its manifest is damaged, or an interrupted commit lacks
  // files. `hook` may be empty.
  static absl::StatusOr<std::unique_ptr<StoreWriter>> Begin(const std::string& path,
                                                            CommitHook hook = {});
  // For a step that replaces the whole store, whatever state it is in: manifest() is empty but for
  // its format version, and what it does not get again is removed by Commit, as far as the manifest
  // before can be read. kFailedPrecondition, changing nothing, if the folder holds files that are
  // not a store's: it may be absent, empty, a store, or what an interrupted step left of one.
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
  // Of so many bytes; errors as AddArray's.
  absl::StatusOr<absl::Span<uint8_t>> AddFile(absl::string_view name, int64_t num_bytes);
  // Checksums, fsyncs, renames. `step` with its options is recorded, in place of an entry of the
  // same name; later steps that were made from what it replaced are struck from the provenance by
  // the caller (see manifest()). A manifest without partition offsets gets those of one partition.
  // kInvalidArgument: the manifest is out of range; then, and after any error before the new
  // manifest is on disk, the store is unchanged. After a later one the next Begin() finishes. Call
  // once.
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
