// What every layer of a LargeGT is given for one step.
#pragma once

#include "comm/communicator.h"
#include "comm/partition_owners.h"
#include "core/batch.h"
#include "model/kernels.h"
#include "model/parameters.h"

namespace quadhop {

// Borrowed for the time of one forward and backward pass.
struct Step {
  Kernels& kernels;
  Communicator& comm;  // for batch moments and the codebook; gradients have their own
  const PartitionOwners& owners;
  ParameterSet& parameters;
  GradientSummands& gradients;
  const Batch& batch;
  bool training;
  uint64_t seed;

  Slices slices() const { return {batch.slice_offsets}; }
  int64_t rows() const { return batch.num_nodes(); }
  int64_t num_owned() const { return slices().num_partitions(); }
  // A dropout of this step; none in evaluation.
  Dropout MakeDropout(double probability, RandomPurpose purpose) const {
    return {training ? probability : 0.0, seed, purpose, batch.step, batch.nodes};
  }
};

}  // namespace quadhop
