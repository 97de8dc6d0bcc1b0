// Takes a model away from the store it was trained on: to apply it to another store, or to train
// further from its weights.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "model/checkpoint/checkpoint.h"
#include "model/largegt/largegt.h"

namespace quadhop {

// Puts the weights of a checkpoint into a model on a store of other nodes, for predictions: the
// codebook keeps the counts of the nodes it was trained on, since the other nodes have no codes.
// Every file that is read is checked. kFailedPrecondition names an array of other dims (features,
// hops, encodings or classes differ); kDataLoss a damaged file. Not collective.
absl::Status ReadCheckpointOfOtherStore(const std::string& path, LargeGT& model);

// Puts exported weights into a model that is about to be trained; arrays that the file lacks keep
// their values. A codebook that had started goes on from its centroids instead of collecting
// queries for new ones. If the file has codes for as many nodes as the store has, they are taken
// too; otherwise nodes keep their initial codes. owned_original_ids: as in ModelPlacement.
// num_nodes: N. Collective. Returns a note on arrays that the file lacks, or has beyond the
// model's; "" if there are none. kFailedPrecondition names an array of other dims, or says that no
// array fits; kDataLoss names a code out of range.
absl::StatusOr<std::string> ImportWeights(const std::string& path,
                                          absl::Span<const int64_t> owned_original_ids,
                                          int64_t num_nodes, Communicator& comm, LargeGT& model);

}  // namespace quadhop
