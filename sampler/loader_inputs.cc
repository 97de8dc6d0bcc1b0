#include "sampler/loader_inputs.h"

#include <algorithm>

#include "core/status.h"

namespace quadhop {
namespace {

absl::Status CheckRows(absl::string_view array, int64_t got, int64_t wanted) {
  if (got == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(array, " has ", got,
                                                 " rows, but the partitions have ", wanted,
                                                 " nodes: run quadhop verify on the store"));
}

LoaderInputs PartitionsOf(const Store& store) {
  LoaderInputs inputs;
  const auto& offsets = store.manifest().partition_offsets();
  inputs.partition_offsets = {offsets.data(), static_cast<size_t>(offsets.size())};
  return inputs;
}

absl::Status AddGraph(const Store& store, bool with_pos_enc, const PartitionOwners& owners,
                      Rank rank, LoaderInputs& inputs) {
  QH_ASSIGN_OR_RETURN(inputs.topology, store.topology());
  if (with_pos_enc) {
    QH_ASSIGN_OR_RETURN(inputs.pos_enc, store.pos_enc());
  }
  const auto r = static_cast<size_t>(rank.value());
  inputs.first_partition = owners.first[r];
  inputs.end_partition = owners.first[r + 1];
  return absl::OkStatus();
}

}  // namespace

bool LoaderInputs::HasLabel(int64_t node) const {
  if (!labels.empty()) return labels[static_cast<size_t>(node)] != kUnlabelled;
  if (multi_labels.empty()) return false;
  const uint8_t* row = multi_labels.row(node);
  return std::any_of(row, row + multi_labels.dim(1),
                     [](uint8_t label) { return label != kUnlabelledMulti; });
}

int64_t LoaderInputs::NumLabelled(SplitPart part, int32_t partition) const {
  if (split.empty()) return 0;
  int64_t nodes = 0;
  for (int64_t v = FirstNode(partition); v < FirstNode(partition + 1); ++v)
    if (split[static_cast<size_t>(v)] == static_cast<uint8_t>(part) && HasLabel(v)) ++nodes;
  return nodes;
}

int64_t LoaderInputs::NumLabelled(SplitPart part) const {
  int64_t nodes = 0;
  for (int32_t p = 0; p < num_partitions(); ++p) nodes += NumLabelled(part, p);
  return nodes;
}

std::vector<GlobalId> LoaderInputs::OwnTrainingNodes() const {
  std::vector<GlobalId> nodes;
  if (split.empty()) return nodes;
  for (int64_t v = partition_offsets[static_cast<size_t>(first_partition)];
       v < partition_offsets[static_cast<size_t>(end_partition)]; ++v)
    if (split[static_cast<size_t>(v)] == static_cast<uint8_t>(SplitPart::kTrain) && HasLabel(v))
      nodes.emplace_back(v);
  return nodes;
}

absl::Status LoaderInputs::Validate() const {
  if (partition_offsets.size() < 2 || features == nullptr)
    return absl::InvalidArgumentError("a batch loader needs at least one partition, and features");
  if (first_partition < 0 || first_partition > end_partition || end_partition > num_partitions())
    return absl::InvalidArgumentError(absl::StrCat("owned partitions [", first_partition, ", ",
                                                   end_partition, ") are not in [0, ",
                                                   num_partitions(), ")"));
  const int64_t n = num_nodes();
  if (!split.empty()) QH_RETURN_IF_ERROR(CheckRows("split", static_cast<int64_t>(split.size()), n));
  if (!labels.empty())
    QH_RETURN_IF_ERROR(CheckRows("labels", static_cast<int64_t>(labels.size()), n));
  if (!multi_labels.empty())
    QH_RETURN_IF_ERROR(CheckRows("multi-label targets", multi_labels.dim(0), n));
  if (!pos_enc.empty()) QH_RETURN_IF_ERROR(CheckRows("pos_enc", pos_enc.dim(0), n));
  if (!training_topology.indptr.empty())
    QH_RETURN_IF_ERROR(CheckRows("training indptr", training_topology.num_nodes(), n));
  if (!topology.indptr.empty()) QH_RETURN_IF_ERROR(CheckRows("indptr", topology.num_nodes(), n));
  return absl::OkStatus();
}

absl::StatusOr<LoaderInputs> TargetsFromStore(const Store& store, absl::string_view split) {
  LoaderInputs inputs = PartitionsOf(store);
  QH_ASSIGN_OR_RETURN(inputs.split, store.split(split));
  if (store.manifest().multi_label()) {
    QH_ASSIGN_OR_RETURN(const auto labels, store.multi_labels());
    inputs.multi_labels =
        TensorView<const uint8_t>(labels.data(), {store.num_nodes(), store.manifest().classes()});
  } else {
    QH_ASSIGN_OR_RETURN(inputs.labels, store.labels());
  }
  return inputs;
}

absl::StatusOr<LoaderInputs> LoaderInputsFromStore(const Store& store, absl::string_view split,
                                                   bool with_pos_enc, const PartitionOwners& owners,
                                                   Rank rank) {
  QH_ASSIGN_OR_RETURN(LoaderInputs inputs, TargetsFromStore(store, split));
  QH_RETURN_IF_ERROR(AddGraph(store, with_pos_enc, owners, rank, inputs));
  return inputs;
}

absl::StatusOr<LoaderInputs> UnlabelledInputsFromStore(const Store& store, bool with_pos_enc,
                                                       const PartitionOwners& owners, Rank rank) {
  LoaderInputs inputs = PartitionsOf(store);
  QH_RETURN_IF_ERROR(AddGraph(store, with_pos_enc, owners, rank, inputs));
  return inputs;
}

}  // namespace quadhop
