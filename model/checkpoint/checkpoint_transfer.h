// A model that leaves the store it was trained on: applied to another, or trained on from its
// weights.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "model/checkpoint/checkpoint.h"
#include "model/largegt.h"

namespace quadhop {

// Puts the weights of a checkpoint into a model on a store of other nodes, to predict with: the
// codebook keeps the counts of the nodes it was trained on, since other nodes have no codes. Every
// file read is checked. kFailedPrecondition names an array of other dims (features, hops, encodings
// or classes differ); kDataLoss a damaged file. Each rank for itself.
absl::Status ReadCheckpointOfOtherStore(const std::string& path, LargeGT& model);

// Puts exported weights into a model that is about to be trained; arrays that the file lacks keep
// their value. A codebook that had started goes on from its centroids instead of collecting new
// ones, and if the file has codes for as many nodes as the store they are taken too, else nodes
// keep their initial ones. owned_original_ids: as in ModelPlacement. num_nodes: N. Collective.
// Returns what is to be said of arrays that the file lacks, or has beyond the model's; "": nothing.
// kFailedPrecondition names an array of other dims, or says that none fits; kDataLoss a code out of
// range.
absl::StatusOr<std::string> ImportWeights(const std::string& path,
                                          absl::Span<const int64_t> owned_original_ids,
                                          int64_t num_nodes, Communicator& comm, LargeGT& model);

}  // namespace quadhop
