#include "sampler/batches/loader_inputs.h"

#include <algorithm>
#include <array>

#include "core/base/status.h"

namespace quadhop {
namespace {

absl::Status CheckRows(absl::string_view array, int64_t got, int64_t wanted) {
  if (got == wanted) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(array, " has ", got,
                                                 " rows, but the partitions have ", wanted,
                                                 " nodes: run quadhop verify on the store"));
}

// The labels, the split and the partitions.
absl::StatusOr<LoaderInputs> ReadTargets(const Store& store, absl::string_view split) {
  LoaderInputs targets = UnlabelledTargets(store);
  QH_ASSIGN_OR_RETURN(targets.split, store.split(split));
  if (store.manifest().multi_label()) {
    QH_ASSIGN_OR_RETURN(const auto labels, store.multi_labels());
    targets.multi_labels =
        TensorView<const uint8_t>(labels.data(), {store.num_nodes(), store.manifest().classes()});
  } else {
    QH_ASSIGN_OR_RETURN(targets.labels, store.labels());
  }
  return targets;
}

// Nodes of one partition.
struct Piece {
  size_t partition;
  BlockRange nodes;
};

constexpr int64_t kNodesOfAPiece = int64_t{1} << 18;

std::vector<Piece> PiecesOf(absl::Span<const int64_t> partition_offsets) {
  std::vector<Piece> pieces;
  for (size_t p = 0; p + 1 < partition_offsets.size(); ++p) {
    const int64_t first = partition_offsets[p], num_nodes = partition_offsets[p + 1] - first;
    for (int64_t block = 0; block < NumBlocks(num_nodes, kNodesOfAPiece); ++block) {
      const BlockRange nodes = Block(block, num_nodes, kNodesOfAPiece);
      pieces.push_back({p, {first + nodes.begin, first + nodes.end}});
    }
  }
  return pieces;
}

}  // namespace

bool LoaderInputs::HasLabel(int64_t node) const {
  if (!labels.empty()) return labels[static_cast<size_t>(node)] != kUnlabelled;
  if (multi_labels.empty()) return false;
  const uint8_t* row = multi_labels.row(node);
  return std::any_of(row, row + multi_labels.dim(1),
                     [](uint8_t label) { return label != kUnlabelledMulti; });
}

void LoaderInputs::CountLabelled(ThreadPool& pool) {
  if (split.empty() || !labelled.of_partition.empty()) return;
  const std::vector<Piece> pieces = PiecesOf(partition_offsets);
  std::vector<std::array<int64_t, 4>> of_piece(pieces.size());
  pool.ParallelFor(static_cast<int64_t>(pieces.size()), [&](int64_t i, int) {
    std::array<int64_t, 4> counts{};
    const BlockRange nodes = pieces[static_cast<size_t>(i)].nodes;
    for (int64_t v = nodes.begin; v < nodes.end; ++v) {
      const size_t part = split[static_cast<size_t>(v)];
      if (part < counts.size() && HasLabel(v)) ++counts[part];
    }
    of_piece[static_cast<size_t>(i)] = counts;
  });
  labelled.of_partition.resize(static_cast<size_t>(num_partitions()));
  for (size_t i = 0; i < pieces.size(); ++i)
    for (size_t part = 0; part < 4; ++part)
      labelled.of_partition[pieces[i].partition][part] += of_piece[i][part];
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

LoaderInputs UnlabelledTargets(const Store& store) {
  LoaderInputs targets;
  const auto& offsets = store.manifest().partition_offsets();
  targets.partition_offsets = {offsets.data(), static_cast<size_t>(offsets.size())};
  return targets;
}

absl::StatusOr<LoaderInputs> TargetsFromStore(const Store& store, absl::string_view split,
                                              ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(LoaderInputs targets, ReadTargets(store, split));
  targets.CountLabelled(pool);
  return targets;
}

absl::Status AddGraph(const Store& store, bool with_pos_enc, const PartitionOwners& owners,
                      Rank rank, LoaderInputs& targets) {
  QH_ASSIGN_OR_RETURN(targets.topology, store.topology());
  if (with_pos_enc) {
    QH_ASSIGN_OR_RETURN(targets.pos_enc, store.pos_enc());
  }
  const auto r = static_cast<size_t>(rank.value());
  targets.first_partition = owners.first[r];
  targets.end_partition = owners.first[r + 1];
  return absl::OkStatus();
}

}  // namespace quadhop
