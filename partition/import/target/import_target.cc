#include "partition/import/target/import_target.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "core/base/check.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "core/store/store.h"
#include "partition/import/target/feature_scale.h"
#include "partition/import/target/label_leak.h"
#include "partition/import/target/one_hot.h"
#include "partition/import/target/random_split.h"
#include "partition/linear_algebra/sparse_rows.h"
#include "partition/steps/node_keys.h"

namespace quadhop {
namespace {

constexpr int64_t kClassesShown = 10;  // with their nodes

}  // namespace

ImportTarget::ImportTarget(StoreWriter& writer, const ImportOptions& options, int num_threads)
    : writer_(writer),
      options_(options),
      memory_bytes_(options.memory_bytes),
      num_threads_(num_threads) {}

absl::Status ImportTarget::SetNodes(int64_t num_nodes, std::string counted_by) {
  QH_CHECK_EQ(num_nodes_, 0);
  if (num_nodes < 1)
    return absl::InvalidArgumentError(
        absl::StrCat("the graph has ", num_nodes, " nodes; at least 1 is needed"));
  // What GraphBuilder holds per node; more is needed, but this suffices to detect a wrong size.
  constexpr int64_t kLeastBytes = sizeof(int64_t);
  QH_ASSIGN_OR_RETURN(const int64_t available_bytes, AvailableMemoryBytes());
  if (num_nodes > available_bytes / kLeastBytes)
    return absl::ResourceExhaustedError(
        absl::StrCat("the graph has ", num_nodes, " nodes, which take ", kLeastBytes,
                     " bytes each at least, but only ", BytesText(available_bytes),
                     " are available: is the number right? If so, import it on a larger machine"));
  num_nodes_ = num_nodes;
  counted_by_ = std::move(counted_by);
  graph_ = std::make_unique<GraphBuilder>(
      GraphOptions{num_nodes, options_.directed, options_.reverse, ArcsMemoryBytes(memory_bytes_),
                   options_.store, num_threads_});
  return absl::OkStatus();
}

void ImportTarget::TellProgress(absl::string_view place, double share) const {
  Tell(options_.on_progress, place.substr(place.rfind('/') + 1), share);
}

absl::Status ImportTarget::AddArcs(absl::Span<const Arc> arcs) { return graph_->Add(arcs); }

void ImportTarget::SawIds(int64_t least, int64_t most) {
  if (least == 0) saw_first_id_ = true;
  if (most == num_nodes_ - 1) saw_last_id_ = true;
}

absl::StatusOr<TensorView<float>> ImportTarget::AddFeatures(int64_t width,
                                                            std::vector<std::string> names) {
  QH_CHECK_GE(width, 1);
  QH_CHECK_EQ(report_.features, 0);
  if (width > INT32_MAX)
    return absl::InvalidArgumentError(
        absl::StrCat("a node has ", width, " features; at most ", INT32_MAX, " are possible"));
  feature_names_ = std::move(names);
  if (like_ != nullptr) QH_RETURN_IF_ERROR(like_->CheckFeatures(width, feature_names_));
  if (options_.project > 0 && width > options_.project) {
    if (num_nodes_ > memory_bytes_ / (int64_t{sizeof(float)} * width))
      return absl::ResourceExhaustedError(
          absl::StrCat("to project ", num_nodes_, " x ", width,
                       " features they must be in memory, ", "but only ", memory_bytes_ / 1000000,
                       " MB may be used: raise --memory, or leave ", "out --project"));
    report_.features = options_.project;
    wide_features_.Resize({num_nodes_, width});
    features_ = wide_features_.view();
    return features_;
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<float> values,
                      writer_.AddArrayOf<float>("raw.npy", {num_nodes_, width}));
  report_.features = width;
  features_ = TensorView<float>(values.data(), {num_nodes_, width});
  return features_;
}

absl::Status ImportTarget::AddSparseFeatures(const SparseMatrix& features, ThreadPool& pool) {
  QH_CHECK_EQ(features.num_rows, num_nodes_);
  QH_CHECK_EQ(report_.features, 0);
  if (features.num_cols < 1 || features.num_cols > INT32_MAX)
    return absl::InvalidArgumentError(absl::StrCat("a node has ", features.num_cols,
                                                   " features; 1 to ", INT32_MAX, " are possible"));
  if (options_.project > 0 && features.num_cols > options_.project) {
    QH_ASSIGN_OR_RETURN(const TensorView<float> projected, AddProjection(features.num_cols));
    ProjectRows(features, options_.seed, pool, projected);
    return absl::OkStatus();
  }
  if (like_ != nullptr) QH_RETURN_IF_ERROR(like_->CheckFeatures(features.num_cols, {}));
  report_.features = features.num_cols;
  const auto nnz = static_cast<int64_t>(features.indices.size());
  QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> indptr,
                      writer_.AddArrayOf<int64_t>("raw.indptr.npy", {num_nodes_ + 1}));
  QH_ASSIGN_OR_RETURN(const absl::Span<uint32_t> indices,
                      writer_.AddArrayOf<uint32_t>("raw.indices.npy", {nnz}));
  QH_ASSIGN_OR_RETURN(const absl::Span<float> values,
                      writer_.AddArrayOf<float>("raw.values.npy", {nnz}));
  std::copy(features.indptr.begin(), features.indptr.end(), indptr.begin());
  std::copy(features.indices.begin(), features.indices.end(), indices.begin());
  for (int64_t e = 0; e < nnz; ++e) values[static_cast<size_t>(e)] = features.value(e);
  AddNote(absl::StrCat("features stored sparse: ", nnz, " of ", num_nodes_, " x ",
                       features.num_cols, " values are not zero"));
  return absl::OkStatus();
}

absl::StatusOr<TensorView<float>> ImportTarget::AddProjection(int64_t num_columns) {
  const int64_t width = options_.project;
  QH_ASSIGN_OR_RETURN(const absl::Span<float> values,
                      writer_.AddArrayOf<float>("raw.npy", {num_nodes_, width}));
  report_.features = width;
  AddNote(absl::StrCat("features: ", num_columns, " columns projected to ", width,
                       " at random (seed ", options_.seed, ")"));
  return TensorView<float>(values.data(), {num_nodes_, width});
}

// The features that were to be projected, now that they are all there.
absl::Status ImportTarget::ProjectWideFeatures(ThreadPool& pool) {
  if (wide_features_.empty()) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const TensorView<float> projected, AddProjection(wide_features_.dim(1)));
  ProjectRows(wide_features_.cview(), options_.seed, pool, projected);
  wide_features_ = {};
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<int32_t>> ImportTarget::AddLabels() {
  QH_CHECK(labels_.empty() && multi_labels_.empty());
  QH_ASSIGN_OR_RETURN(labels_, writer_.AddArrayOf<int32_t>("labels.npy", {num_nodes_}));
  return labels_;
}

absl::StatusOr<TensorView<uint8_t>> ImportTarget::AddMultiLabels(int64_t num_labels) {
  QH_CHECK(labels_.empty() && multi_labels_.empty());
  report_.multi_label = true;
  if (num_labels <= memory_bytes_ / 8 / num_nodes_) {
    held_labels_.Resize({num_nodes_, num_labels});
    held_labels_.Fill(0);
    multi_labels_ = held_labels_.view();
    return multi_labels_;
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> values,
                      writer_.AddArrayOf<uint8_t>("labels.npy", {num_nodes_, num_labels}));
  multi_labels_ = TensorView<uint8_t>(values.data(), {num_nodes_, num_labels});
  return multi_labels_;
}

absl::Status ImportTarget::WriteHeldLabels() {
  if (held_labels_.empty()) return absl::OkStatus();
  const int64_t width = multi_labels_.dim(1);
  const std::optional<OneHotRows> rows = TakeOneHotRows(held_labels_.cview());
  if (rows.has_value() && rows->num_zeros == 0) {
    QH_ASSIGN_OR_RETURN(labels_, writer_.AddArrayOf<int32_t>("labels.npy", {num_nodes_}));
    std::copy(rows->classes.begin(), rows->classes.end(), labels_.begin());
    least_classes_ = width;
    multi_labels_ = {};
    report_.multi_label = false;
    AddNote("labels are one-hot rows: taken as classes");
  } else {
    if (rows.has_value() && rows->num_labelled > 0)
      AddNote(absl::StrCat("labels are a multi-label target, as ", rows->num_zeros, " of ",
                           num_nodes_,
                           " rows have no 1; the other labelled ones have a single 1: if they are "
                           "classes, and nodes without one are unlabelled, give these nan in place "
                           "of the zeros"));
    QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> values,
                        writer_.AddArrayOf<uint8_t>("labels.npy", {num_nodes_, width}));
    std::copy_n(held_labels_.data(), values.size(), values.begin());
    multi_labels_ = TensorView<uint8_t>(values.data(), {num_nodes_, width});
  }
  held_labels_ = {};
  return absl::OkStatus();
}

void ImportTarget::SetClassNames(std::vector<std::string> names) {
  class_names_ = std::move(names);
}

void ImportTarget::AddSplit(absl::string_view name, std::vector<uint8_t> parts) {
  QH_CHECK_EQ(static_cast<int64_t>(parts.size()), num_nodes_);
  const bool is_new = splits_.emplace(std::string(name), std::move(parts)).second;
  QH_CHECK(is_new);
}

void ImportTarget::MakeRandomSplit() {
  if (!wants_random_split_) return;
  std::vector<int32_t> classes(labels_.begin(), labels_.end());
  for (int64_t v = 0; labels_.empty() && v < num_nodes_; ++v)
    classes.push_back(IsLabelled(v) ? 0 : kUnlabelled);
  const int64_t num_labelled = num_nodes_ - std::count(classes.begin(), classes.end(), kUnlabelled);
  AddSplit("random", SplitOfClasses(classes, KeysOfNames(names_), options_.seed));
  AddNote(absl::StrCat("no split found in the input: one made at random from the ", num_labelled,
                       " labelled nodes, 60 % train, 20 % valid",
                       labels_.empty() ? "" : " of each class", " (seed ", options_.seed, ")"));
}

bool ImportTarget::IsLabelled(int64_t node) const {
  if (!labels_.empty()) return labels_[static_cast<size_t>(node)] != kUnlabelled;
  if (multi_labels_.empty()) return false;
  const uint8_t* row = multi_labels_.row(node);
  return std::any_of(row, row + multi_labels_.dim(1),
                     [](uint8_t label) { return label != kUnlabelledMulti; });
}

absl::StatusOr<absl::Span<char>> ImportTarget::AddOriginalNames(int64_t num_bytes) {
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes, writer_.AddFile(kOriginalNames, num_bytes));
  const auto text = absl::MakeSpan(reinterpret_cast<char*>(bytes.data()), bytes.size());
  names_ = absl::string_view(text.data(), text.size());
  return text;
}

absl::Status ImportTarget::SetOriginalNames(absl::string_view text) {
  QH_ASSIGN_OR_RETURN(const absl::Span<char> names,
                      AddOriginalNames(static_cast<int64_t>(text.size())));
  std::copy(text.begin(), text.end(), names.begin());
  return absl::OkStatus();
}

void ImportTarget::AddNote(std::string note) { report_.notes.push_back(std::move(note)); }

absl::Status ImportTarget::WriteTopology(ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const GraphCounts counts, graph_->Build(pool));
  const absl::Span<const int64_t> indptr = graph_->indptr();
  QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> indptr_file,
                      writer_.AddArrayOf<int64_t>("indptr.npy", {num_nodes_ + 1}));
  std::copy(indptr.begin(), indptr.end(), indptr_file.begin());
  if (graph_->wide()) {
    QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> indices,
                        writer_.AddArrayOf<int64_t>("indices.npy", {counts.arcs}));
    QH_RETURN_IF_ERROR(graph_->CopyIndices(indices));
  } else {
    QH_ASSIGN_OR_RETURN(const absl::Span<uint32_t> indices,
                        writer_.AddArrayOf<uint32_t>("indices.npy", {counts.arcs}));
    QH_RETURN_IF_ERROR(graph_->CopyIndices(indices));
  }
  for (size_t v = 0; v + 1 < indptr.size(); ++v)
    report_.without_out_neighbours += indptr[v] == indptr[v + 1];
  graph_.reset();
  report_.directed = options_.directed;
  report_.reverse = options_.reverse;
  report_.arcs = counts.arcs;
  report_.arcs_read = counts.arcs_added;
  report_.duplicates_removed = counts.duplicates_removed;
  report_.self_loops_removed = counts.self_loops_removed;
  report_.inverses_added = counts.inverses_added;
  if (saw_last_id_ && !saw_first_id_)
    AddNote(absl::StrCat("no arc has an end at node 0, but some have at node ", num_nodes_ - 1,
                         ", the last: are ids counted from 1?"));
  if (counts.arcs == 0)
    AddNote("there are no arcs between two nodes: a model learns from each node alone");
  return absl::OkStatus();
}

// No step visits them: they would only count when parts are made even in training nodes, and in the
// figures for these.
int64_t ImportTarget::LeaveOutUnlabelled(std::vector<uint8_t>& split) const {
  if (labels_.empty() && multi_labels_.empty()) return 0;
  int64_t left_out = 0;
  for (size_t v = 0; v < split.size(); ++v) {
    if (split[v] != static_cast<uint8_t>(SplitPart::kTrain) || IsLabelled(static_cast<int64_t>(v)))
      continue;
    split[v] = static_cast<uint8_t>(SplitPart::kNone);
    ++left_out;
  }
  return left_out;
}

absl::Status ImportTarget::WriteSplits() {
  if (splits_.empty()) return absl::OkStatus();
  const int64_t num_splits = static_cast<int64_t>(splits_.size());
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> file,
                      writer_.AddArrayOf<uint8_t>("splits.npy", {num_splits, num_nodes_}));
  auto at = file.begin();
  std::vector<std::string> untrained, unvalidated, untested;
  for (auto& [name, parts] : splits_) {
    const int64_t left_out = LeaveOutUnlabelled(parts);
    if (left_out > 0)
      AddNote(absl::StrCat("split ", name, ": ", Counted(left_out, "training node"),
                           " without a label left out"));
    at = std::copy(parts.begin(), parts.end(), at);
    report_.splits.push_back(name);
    writer_.manifest().add_split_names(name);
    std::array<int64_t, 4>& sizes = report_.split_sizes.emplace_back();
    for (const uint8_t part : parts) ++sizes[part];
    if (sizes[1] == 0) untrained.push_back(name);
    if (sizes[2] == 0) unvalidated.push_back(name);
    if (sizes[3] == 0) untested.push_back(name);
  }
  if (!untrained.empty())
    AddNote(absl::StrCat("no training nodes in ", absl::StrJoin(untrained, ", ")));
  if (!unvalidated.empty())
    AddNote(absl::StrCat("no validation nodes in ", absl::StrJoin(unvalidated, ", ")));
  if (!untested.empty())
    AddNote(absl::StrCat(
        "no test nodes in ", absl::StrJoin(untested, ", "),
        options_.splits.empty() ? "" : "; parts are 1 train, 2 valid, 3 test, and 0 is none"));
  return absl::OkStatus();
}

absl::Status ImportTarget::WriteOriginalIds() {
  QH_ASSIGN_OR_RETURN(const absl::Span<int64_t> ids,
                      writer_.AddArrayOf<int64_t>("original_ids.npy", {num_nodes_}));
  std::iota(ids.begin(), ids.end(), int64_t{0});
  return absl::OkStatus();
}

void ImportTarget::CountLabels() {
  if (like_ != nullptr)
    least_classes_ = std::max<int64_t>(least_classes_, like_->manifest().classes());
  if (!labels_.empty()) {
    report_.unlabelled = std::count(labels_.begin(), labels_.end(), kUnlabelled);
    report_.classes =
        std::max(least_classes_, int64_t{*std::max_element(labels_.begin(), labels_.end())} + 1);
    absl::flat_hash_map<int32_t, int64_t> occurring;  // nodes by class
    for (const int32_t label : labels_)
      if (label != kUnlabelled) ++occurring[label];
    const auto num_occurring = static_cast<int64_t>(occurring.size());
    CountClassNames();
    if (num_occurring <= kClassesShown) ReportClassSizes({occurring.begin(), occurring.end()});
    const bool only_0_is_absent = num_occurring == report_.classes - 1 && !occurring.contains(0);
    if (num_occurring == 1)
      AddNote(absl::StrCat("every label is class ", occurring.begin()->first,
                           ": there is nothing to learn",
                           report_.unlabelled > 0 && class_names_.empty()
                               ? "; -1 is no label: if it is a class, number classes from 0"
                               : ""));
    else if (class_names_.empty() && num_occurring < report_.classes)
      AddNote(absl::StrCat(num_occurring, " of ", report_.classes, " classes occur",
                           num_occurring < report_.classes / 10
                               ? absl::StrCat(", and a model has weights for all: number them from "
                                              "0, and if ",
                                              report_.classes - 1, " means no label, write -1")
                           : only_0_is_absent ? std::string("; are they counted from 1?")
                                              : std::string()));
  } else if (!multi_labels_.empty()) {
    report_.classes = multi_labels_.dim(1);
    CountClassNames();
    for (int64_t v = 0; v < num_nodes_; ++v) report_.unlabelled += !IsLabelled(v);
  } else {
    report_.unlabelled = num_nodes_;
  }
}

void ImportTarget::ReportClassSizes(std::vector<std::pair<int32_t, int64_t>> nodes_of) {
  std::sort(nodes_of.begin(), nodes_of.end(), [](const auto& a, const auto& b) {
    return std::pair(-a.second, a.first) < std::pair(-b.second, b.first);
  });
  for (const auto& [label, nodes] : nodes_of)
    report_.class_sizes.emplace_back(
        class_names_.empty() ? absl::StrCat(label) : class_names_[static_cast<size_t>(label)],
        nodes);
}

void ImportTarget::CountClassNames() {
  const auto num_names = static_cast<int64_t>(class_names_.size());
  if (num_names == 0) return;
  if (num_names < report_.classes || (report_.multi_label && num_names != report_.classes)) {
    AddNote(absl::StrCat("names of classes not used: ", num_names, " for ", report_.classes,
                         " classes"));
    class_names_.clear();
  } else {
    report_.classes = num_names;
  }
}

absl::Status ImportTarget::CheckIsLike() const {
  if (like_ == nullptr) return absl::OkStatus();
  QH_RETURN_IF_ERROR(like_->CheckFeatures(report_.features, feature_names_));
  if (!has_labels()) return absl::OkStatus();
  return like_->CheckClasses(report_.classes, report_.multi_label, class_names_);
}

// What makes features hard to learn from, or too easy, and what to do.
void ImportTarget::NoteOnFeatures() {
  if (features_.empty()) return;
  if (AreTheSameForAll(features_))
    return AddNote(
        "constant: all nodes have the same features, which tell nothing of them; of a graph "
        "that has none, quadhop takes encodings instead, so import it without them");
  const bool are_named = static_cast<int64_t>(feature_names_.size()) == features_.dim(1);
  const absl::Span<const std::string> names =
      are_named ? feature_names_ : absl::Span<const std::string>();
  if (const int64_t column = ColumnOfLabels(features_, labels_); column >= 0)
    AddNote(absl::StrCat(FeatureName(column, names),
                         " tells the class of every labelled node: if it was made from the "
                         "labels, leave it out"));
  const bool are_projected = !wide_features_.empty();
  if (options_.to_be_standardized && !are_projected) return;
  if (const std::string note = NoteOnScale(features_, names); !note.empty())
    AddNote(absl::StrCat(note, are_projected ? ": standardise them before they are projected"
                                             : ": prep and propagate take --standardize"));
}

absl::StatusOr<ImportReport> ImportTarget::Finish(ThreadPool& pool) {
  QH_CHECK_GE(num_nodes_, 1);
  Tell(options_.on_progress, "sorts arcs");
  QH_RETURN_IF_ERROR(WriteTopology(pool));
  Tell(options_.on_progress, "writes");
  NoteOnFeatures();
  QH_RETURN_IF_ERROR(ProjectWideFeatures(pool));
  QH_RETURN_IF_ERROR(WriteHeldLabels());
  MakeRandomSplit();
  QH_RETURN_IF_ERROR(WriteSplits());
  QH_RETURN_IF_ERROR(WriteOriginalIds());
  CountLabels();
  QH_RETURN_IF_ERROR(CheckIsLike());
  report_.nodes = num_nodes_;
  StoreManifest& manifest = writer_.manifest();
  manifest.set_nodes(num_nodes_);
  manifest.set_arcs(report_.arcs);
  manifest.set_directed(options_.directed);
  manifest.set_features(static_cast<int32_t>(report_.features));
  manifest.set_classes(static_cast<int32_t>(report_.classes));
  manifest.set_multi_label(report_.multi_label);
  manifest.add_partition_offsets(0);
  manifest.add_partition_offsets(num_nodes_);
  for (const std::string& name : class_names_) manifest.add_class_names(name);
  if (report_.features == static_cast<int64_t>(feature_names_.size()))
    for (const std::string& name : feature_names_) manifest.add_feature_names(name);
  return report_;
}

}  // namespace quadhop
