// Exports a checkpoint for others: the paper's code, and quadhop on another store
// (checkpoint_transfer.h).
#pragma once

#include <absl/status/status.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <map>
#include <string>

namespace quadhop {

// Of the store that a checkpoint is of.
struct NodesOfStore {
  std::string identity;                    // StoreIdentity
  absl::Span<const int64_t> original_ids;  // [N]
};

// Writes the weights of a checkpoint as one safetensors file that the paper's code loads, with the
// code of every node in the order of the input; `metadata` stands in its header. Without `nodes` it
// lacks the codes (c_idx), which the counts of centroids, and so the logits, depend on.
// kFailedPrecondition if the checkpoint has codes and is from another store, whose nodes may be in
// another order.
absl::Status ExportWeights(const std::string& checkpoint, const absl::optional<NodesOfStore>& nodes,
                           std::map<std::string, std::string> metadata, const std::string& out);

}  // namespace quadhop
