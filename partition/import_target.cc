#include "partition/import_target.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/check.h"
#include "core/status.h"

namespace quadhop {
namespace {

// The bytes of a new array of the store as elements of type T.
template <typename T>
absl::StatusOr<absl::Span<T>> AddArrayOf(StoreWriter& writer, absl::string_view name,
                                         absl::Span<const int64_t> dims) {
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes, writer.AddArray(name, DTypeOf<T>(), dims));
  return absl::MakeSpan(reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T));
}

}  // namespace

ImportTarget::ImportTarget(StoreWriter& writer) : writer_(writer) {
  writer.manifest().Clear();  // files that it no longer names are removed by Commit
  writer.manifest().set_format_version(kStoreFormatVersion);
}

absl::Status ImportTarget::SetNodes(int64_t num_nodes) {
  QH_CHECK_EQ(num_nodes_, 0);
  if (num_nodes < 1)
    return absl::InvalidArgumentError(
        absl::StrCat("the graph has ", num_nodes, " nodes; at least 1 is needed"));
  num_nodes_ = num_nodes;
  graph_ = std::make_unique<GraphBuilder>(num_nodes);
  return absl::OkStatus();
}

absl::StatusOr<TensorView<float>> ImportTarget::AddFeatures(int64_t width) {
  QH_CHECK_GE(width, 1);
  QH_CHECK_EQ(report_.features, 0);
  if (width > INT32_MAX)
    return absl::InvalidArgumentError(
        absl::StrCat("a node has ", width, " features; at most ", INT32_MAX, " are possible"));
  QH_ASSIGN_OR_RETURN(const absl::Span<float> values,
                      AddArrayOf<float>(writer_, "raw.npy", {num_nodes_, width}));
  report_.features = width;
  return TensorView<float>(values.data(), {num_nodes_, width});
}

absl::StatusOr<absl::Span<int32_t>> ImportTarget::AddLabels() {
  QH_CHECK(labels_.empty() && multi_labels_.empty());
  QH_ASSIGN_OR_RETURN(labels_, AddArrayOf<int32_t>(writer_, "labels.npy", {num_nodes_}));
  return labels_;
}

absl::StatusOr<TensorView<uint8_t>> ImportTarget::AddMultiLabels(int64_t num_labels) {
  QH_CHECK(labels_.empty() && multi_labels_.empty());
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> values,
                      AddArrayOf<uint8_t>(writer_, "labels.npy", {num_nodes_, num_labels}));
  multi_labels_ = TensorView<uint8_t>(values.data(), {num_nodes_, num_labels});
  report_.multi_label = true;
  return multi_labels_;
}

void ImportTarget::SetClassNames(std::vector<std::string> names) {
  class_names_ = std::move(names);
}

void ImportTarget::AddSplit(absl::string_view name, std::vector<uint8_t> parts) {
  QH_CHECK_EQ(static_cast<int64_t>(parts.size()), num_nodes_);
  const bool is_new = splits_.emplace(std::string(name), std::move(parts)).second;
  QH_CHECK(is_new);
}

absl::Status ImportTarget::SetOriginalNames(absl::string_view text) {
  return writer_.AddText("original_names.txt", text);
}

void ImportTarget::AddNote(std::string note) { report_.notes.push_back(std::move(note)); }

absl::Status ImportTarget::WriteTopology(bool directed, ThreadPool& pool) {
  const GraphCounts counts = graph_->Build(directed, pool);
  const absl::Span<const int64_t> indptr = graph_->indptr();
  QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> indptr_file,
                      AddArrayOf<int64_t>(writer_, "indptr.npy", {num_nodes_ + 1}));
  std::copy(indptr.begin(), indptr.end(), indptr_file.begin());
  if (graph_->wide()) {
    QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> indices,
                        AddArrayOf<int64_t>(writer_, "indices.npy", {counts.arcs}));
    graph_->CopyIndices(indices, pool);
  } else {
    QH_ASSIGN_OR_RETURN(const absl::Span<uint32_t> indices,
                        AddArrayOf<uint32_t>(writer_, "indices.npy", {counts.arcs}));
    graph_->CopyIndices(indices, pool);
  }
  for (size_t v = 0; v + 1 < indptr.size(); ++v) report_.isolated += indptr[v] == indptr[v + 1];
  graph_.reset();
  report_.directed = directed;
  report_.arcs = counts.arcs;
  report_.arcs_read = counts.arcs_added;
  report_.duplicates_removed = counts.duplicates_removed;
  report_.self_loops_removed = counts.self_loops_removed;
  report_.inverses_added = counts.inverses_added;
  return absl::OkStatus();
}

absl::Status ImportTarget::WriteSplits() {
  if (splits_.empty()) return absl::OkStatus();
  const int64_t num_splits = static_cast<int64_t>(splits_.size());
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> file,
                      AddArrayOf<uint8_t>(writer_, "splits.npy", {num_splits, num_nodes_}));
  auto at = file.begin();
  for (const auto& [name, parts] : splits_) {
    at = std::copy(parts.begin(), parts.end(), at);
    report_.splits.push_back(name);
    writer_.manifest().add_split_names(name);
  }
  return absl::OkStatus();
}

absl::Status ImportTarget::WriteOriginalIds() {
  QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> ids,
                      AddArrayOf<int64_t>(writer_, "original_ids.npy", {num_nodes_}));
  std::iota(ids.begin(), ids.end(), int64_t{0});
  return absl::OkStatus();
}

void ImportTarget::CountLabels() {
  if (!labels_.empty()) {
    report_.unlabelled = std::count(labels_.begin(), labels_.end(), kUnlabelled);
    report_.classes = int64_t{*std::max_element(labels_.begin(), labels_.end())} + 1;
  } else if (!multi_labels_.empty()) {
    report_.classes = multi_labels_.dim(1);
    for (int64_t v = 0; v < num_nodes_; ++v) {
      const uint8_t* row = multi_labels_.row(v);
      report_.unlabelled += std::all_of(row, row + report_.classes,
                                        [](uint8_t label) { return label == kUnlabelledMulti; });
    }
  } else {
    report_.unlabelled = num_nodes_;
  }
  if (!class_names_.empty()) {
    QH_CHECK_GE(static_cast<int64_t>(class_names_.size()), report_.classes);
    report_.classes = static_cast<int64_t>(class_names_.size());
  }
}

absl::StatusOr<ImportReport> ImportTarget::Finish(bool directed, ThreadPool& pool) {
  QH_CHECK_GE(num_nodes_, 1);
  QH_RETURN_IF_ERROR(WriteTopology(directed, pool));
  QH_RETURN_IF_ERROR(WriteSplits());
  QH_RETURN_IF_ERROR(WriteOriginalIds());
  CountLabels();
  report_.nodes = num_nodes_;
  StoreManifest& manifest = writer_.manifest();
  manifest.set_nodes(num_nodes_);
  manifest.set_arcs(report_.arcs);
  manifest.set_directed(directed);
  manifest.set_features(static_cast<int32_t>(report_.features));
  manifest.set_classes(static_cast<int32_t>(report_.classes));
  manifest.set_multi_label(report_.multi_label);
  manifest.add_partition_offsets(0);
  manifest.add_partition_offsets(num_nodes_);
  for (const std::string& name : class_names_) manifest.add_class_names(name);
  return report_;
}

}  // namespace quadhop
