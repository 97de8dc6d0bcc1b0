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
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/arrays/npy.h"
#include "core/base/ids.h"
#include "core/store/store.pb.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

inline constexpr int32_t kStoreFormatVersion = 1;
inline constexpr int32_t kUnlabelled = -1;      // in labels [N]
inline constexpr uint8_t kUnlabelledMulti = 2;  // in labels [N, L]

// Of a store whose input names its nodes: line i has the name of the node with original id i.
inline constexpr char kOriginalNames[] = "original_names.txt";
// Means and deviations, f64 [2, columns]: those that encodings were standardised by; and, of a
// store imported `--like` another, those of that one's features and encodings.
inline constexpr char kEncodingMomentsFile[] = "pos_enc_moments.npy";
inline constexpr char kMomentsFile[] = "moments.npy";
inline constexpr char kLikeEncodingMomentsFile[] = "like_pos_enc_moments.npy";

enum class SplitPart : uint8_t { kNone = 0, kTrain = 1, kValid = 2, kTest = 3 };

// "none", "train", "valid" or "test".
const char* PartName(SplitPart part);

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
  // of prep was interrupted. kDataLoss: the manifest does not match its checksum, or a file's size
  // does not match the manifest. Files of `may_lack` that are missing or damaged (size or sidecar)
  // are left out with the step that made them, as if it had not been done: for steps that make them
  // again.
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
  // some nodes in every file that has rows of nodes. Whole chunks are read for these, too: ask for
  // all nodes at once.
  absl::Status VerifyAll(ThreadPool& pool) const;
  absl::Status VerifyFiles(absl::Span<const absl::string_view> names, ThreadPool& pool) const;
  absl::Status VerifyNodes(BlockRange nodes, ThreadPool& pool) const;

 private:
  struct Files;
  // The rows of nodes in a CSR pair; no error if the store has none.
  absl::Status VerifyLists(BlockRange nodes, absl::string_view indptr_name,
                           std::initializer_list<absl::string_view> list_names,
                           ThreadPool& pool) const;
  Store();
  std::string path_;
  StoreManifest manifest_;
  std::unique_ptr<Files> files_;
};

}  // namespace quadhop
