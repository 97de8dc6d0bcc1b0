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

}  // namespace

bool LoaderInputs::HasLabel(int64_t node) const {
  if (!labels.empty()) return labels[static_cast<size_t>(node)] != kUnlabelled;
  if (multi_labels.empty()) return false;
  const uint8_t* row = multi_labels.row(node);
  return std::any_of(row, row + multi_labels.dim(1),
                     [](uint8_t label) { return label != kUnlabelledMulti; });
}

std::vector<GlobalId> LoaderInputs::OwnTrainingNodes() const {
  std::vector<GlobalId> nodes;
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
  QH_RETURN_IF_ERROR(CheckRows("split", static_cast<int64_t>(split.size()), n));
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

absl::StatusOr<LoaderInputs> LoaderInputsFromStore(const Store& store, absl::string_view split,
                                                   bool with_pos_enc, const PartitionOwners& owners,
                                                   Rank rank) {
  LoaderInputs inputs;
  QH_ASSIGN_OR_RETURN(inputs.topology, store.topology());
  QH_ASSIGN_OR_RETURN(inputs.split, store.split(split));
  if (with_pos_enc) {
    QH_ASSIGN_OR_RETURN(inputs.pos_enc, store.pos_enc());
  }
  const StoreManifest& manifest = store.manifest();
  if (manifest.multi_label()) {
    QH_ASSIGN_OR_RETURN(const auto labels, store.multi_labels());
    inputs.multi_labels =
        TensorView<const uint8_t>(labels.data(), {store.num_nodes(), manifest.classes()});
  } else {
    QH_ASSIGN_OR_RETURN(inputs.labels, store.labels());
  }
  inputs.partition_offsets = {manifest.partition_offsets().data(),
                              static_cast<size_t>(manifest.partition_offsets_size())};
  const auto r = static_cast<size_t>(rank.value());
  inputs.first_partition = owners.first[r];
  inputs.end_partition = owners.first[r + 1];
  return inputs;
}

}  // namespace quadhop
