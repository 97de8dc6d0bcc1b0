// Where an importer puts what it reads: the files of a store in the making.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/import/target/graph_builder.h"
#include "partition/import/target/import_options.h"
#include "partition/import/target/import_report.h"
#include "partition/import/target/like_store.h"
#include "partition/linear_algebra/sparse_matrix.h"

namespace quadhop {

// What the arcs of an import may take of its memory: half. Features and labels are written through
// the page cache, but importers hold arrays of their own.
inline int64_t ArcsMemoryBytes(int64_t memory_bytes) { return memory_bytes / 2; }

// Nodes are numbered as in the input. Features and labels go straight to the mapped files of the
// writer, which must outlive the target. Not thread-safe, except AddArcs and writing to
// different rows of the arrays it returns. Errors of the Add and Set functions are StoreWriter's
// (no space left, ...).
class ImportTarget {
 public:
  // `writer` is of StoreWriter::BeginAnew: the new store replaces the old one and all its files.
  ImportTarget(StoreWriter& writer, const ImportOptions& options, int num_threads);

  // Before all else: the store will be checked to be like that one, which must outlive the target.
  void BeLike(const LikeStore& like) { like_ = &like; }
  const LikeStore* like() const { return like_; }  // null: there is none

  // First, once. `counted_by` is for errors about ids that are no nodes: what says how many nodes
  // there are, and what to do. kInvalidArgument unless num_nodes >= 1.
  absl::Status SetNodes(int64_t num_nodes, std::string counted_by = "");
  int64_t num_nodes() const { return num_nodes_; }
  const std::string& counted_by() const { return counted_by_; }

  GraphBuilder& graph() { return *graph_; }
  // Ids must be in [0, N). Thread-safe.
  absl::Status AddArcs(absl::Span<const Arc> arcs);
  // The range of node ids as the input counts them: if 0 is not in it, but N - 1 is, a note asks
  // whether it counts from 1. Thread-safe.
  void SawIds(int64_t least, int64_t most);

  // To be filled completely by the caller before Finish. At most one call each. Errors if features
  // are not those of like().
  // [N, F]; width >= 1. Names are [F] or empty; none are kept of columns that are projected.
  absl::StatusOr<TensorView<float>> AddFeatures(int64_t width, std::vector<std::string> names = {});
  // Instead of AddFeatures; stored sparse, or projected if the options say so.
  absl::Status AddSparseFeatures(const SparseMatrix& features, ThreadPool& pool);  // [N, F]
  absl::StatusOr<absl::Span<int32_t>> AddLabels();  // [N], kUnlabelled or >= 0
  // [N, L]: 0, 1, kUnlabelledMulti; zeros at first. If every row that is labelled has a single 1,
  // and an eighth of the memory holds them, they become classes.
  absl::StatusOr<TensorView<uint8_t>> AddMultiLabels(int64_t num_labels);

  // [C]; without them C is the largest label + 1. Too few names, or not as many as a multi-label
  // target has labels, are left aside with a note.
  void SetClassNames(std::vector<std::string> names);
  void AddSplit(absl::string_view name, std::vector<uint8_t> parts);  // [N] of SplitPart
  // "random", of the labelled nodes (random_split.h), for inputs without splits. Nothing if the
  // options name a split: Import adds it.
  void AddRandomSplit() { wants_random_split_ = !is_given_splits(); }
  bool is_given_splits() const { return !options_.splits.empty(); }  // by the options
  bool has_splits() const { return !splits_.empty() || wants_random_split_; }
  bool has_labels() const { return !labels_.empty() || !multi_labels_.empty(); }
  // One line per node; only one of the two is called.
  absl::Status SetOriginalNames(absl::string_view text);
  absl::StatusOr<absl::Span<char>> AddOriginalNames(int64_t num_bytes);  // to be filled
  void AddNote(std::string note);
  int64_t memory_bytes() const { return memory_bytes_; }  // what an importer may hold at once
  const std::string& scratch_folder() const { return options_.store; }
  // What part of the input is being read (a file by its name, without folders), and what share of
  // it is done.
  void TellProgress(absl::string_view place, double share) const;
  void CountText(int64_t num_bytes) { report_.text_bytes += num_bytes; }

  // Builds the graph and fills the rest of the store and of its manifest; the caller commits the
  // writer.
  absl::StatusOr<ImportReport> Finish(ThreadPool& pool);

 private:
  absl::Status WriteTopology(ThreadPool& pool);
  absl::Status CheckIsLike() const;
  void MakeRandomSplit();
  absl::Status WriteSplits();
  absl::Status WriteHeldLabels();
  absl::Status WriteOriginalIds();
  void CountLabels();
  void CountClassNames();
  void ReportClassSizes(std::vector<std::pair<int32_t, int64_t>> nodes_of);  // by class
  void NoteOnFeatures();

  // The array of the projected features, to be filled.
  absl::StatusOr<TensorView<float>> AddProjection(int64_t num_columns);
  absl::Status ProjectWideFeatures(ThreadPool& pool);
  bool IsLabelled(int64_t node) const;
  // Takes training nodes without a label out of a split [N], and counts them.
  int64_t LeaveOutUnlabelled(std::vector<uint8_t>& split) const;

  StoreWriter& writer_;
  const ImportOptions& options_;
  const LikeStore* like_ = nullptr;
  int64_t memory_bytes_ = 0;
  int num_threads_ = 1;
  TensorView<float> features_;   // [N, F] of AddFeatures
  Tensor<float> wide_features_;  // those that are still to be projected
  int64_t num_nodes_ = 0;
  std::string counted_by_;
  std::atomic<bool> saw_first_id_ = false, saw_last_id_ = false;
  std::unique_ptr<GraphBuilder> graph_;
  absl::Span<int32_t> labels_;
  TensorView<uint8_t> multi_labels_;
  Tensor<uint8_t> held_labels_;  // what multi_labels_ views until it is known what they are
  int64_t least_classes_ = 0;    // if labels tell
  bool wants_random_split_ = false;
  absl::string_view names_;  // of nodes, a line each; empty: none
  std::vector<std::string> class_names_;
  std::vector<std::string> feature_names_;
  std::map<std::string, std::vector<uint8_t>> splits_;
  ImportReport report_;
};

}  // namespace quadhop
