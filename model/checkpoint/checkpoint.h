// A checkpoint is one folder, written under another name and renamed when it is complete
// (checkpoint_writer.h), with a checksum of every file.
//
//   weights.safetensors      parameters and buffers under the paper's names, the codebook's too
//   optimizer.safetensors    Adam's moments: exp_avg.NAME, exp_avg_sq.NAME
//   candidates.safetensors   queries collected for a codebook that has not started yet
//   codes.npy                [N] i16: the centroid of each node of the store
//   checkpoint.textproto     the manifest (model/checkpoint/checkpoint.proto)
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "comm/collectives/communicator.h"
#include "comm/sums/partition_owners.h"
#include "model/checkpoint/checkpoint.pb.h"
#include "model/largegt/largegt.h"
#include "model/parameters/adam.h"

namespace quadhop {

// What a checkpoint saves or restores. Borrowed.
struct CheckpointSubject {
  LargeGT& model;
  Adam* adam;  // nullptr: not wanted (evaluation)
  Communicator& comm;
  const PartitionOwners& owners;
  absl::Span<const int64_t> partition_offsets;  // [P + 1], nodes of the store
  std::string store;                            // the store's StoreIdentity
};

// Returns the manifest, having checked it against its checksum and every file against it.
// kNotFound, kDataLoss, kFailedPrecondition (another version).
absl::StatusOr<CheckpointManifest> VerifyCheckpoint(const std::string& path);

// Puts the model (and optimiser) into the state of the checkpoint, which may have been written by
// another number of ranks; the files that this rank reads are checked against the manifest.
// kFailedPrecondition, naming what differs, if it is from another store or a model of other dims.
// Collective.
absl::StatusOr<RunPosition> ReadCheckpoint(const CheckpointSubject& subject,
                                           const std::string& path);

// Reads weights and buffers under the paper's names into the model. If `all_required` is false,
// those that the file lacks keep their values, and their names are returned. kFailedPrecondition
// names an array that has other dims or is missing.
absl::StatusOr<std::vector<std::string>> ReadWeights(const std::string& path, bool all_required,
                                                     LargeGT& model);

}  // namespace quadhop
