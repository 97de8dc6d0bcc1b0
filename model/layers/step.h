// What every layer of a LargeGT is given for one step.
#pragma once

#include <string>

#include "comm/collectives/communicator.h"
#include "comm/sums/background_sum.h"
#include "comm/sums/ordered_sum.h"
#include "comm/sums/partition_owners.h"
#include "core/arrays/array.h"
#include "core/batch/batch.h"
#include "model/kernels/batch_arrays.h"
#include "model/kernels/kernels.h"
#include "model/parameters/parameters.h"

namespace quadhop {

// Borrowed for the time of one forward and backward pass.
struct Step {
  Kernels& kernels;
  Communicator& comm;         // works on the kernels' memory; for sums that are waited for at once
  BackgroundSum& background;  // for sums that other work hides
  const PartitionOwners& owners;
  ParameterSet& parameters;
  GradientSummands& gradients;
  const Batch& batch;         // what the host needs of it
  const BatchArrays& arrays;  // what the kernels need of it
  bool training;
  uint64_t seed;

  // The same step on other kernels.
  Step On(Kernels& other) const {
    return {other, comm, background, owners, parameters, gradients, batch, arrays, training, seed};
  }
  Memory& memory() const { return kernels.memory(); }
  // What is queued by this step from now on is computed after what `other` has queued so far.
  void After(const Step& other) const { memory().WaitForAll(other.memory()); }
  Slices slices() const { return {batch.slice_offsets, arrays.slice_offsets().data()}; }
  int64_t rows() const { return batch.num_nodes(); }
  int64_t num_owned() const { return slices().num_partitions(); }
  // A dropout of this step; none in evaluation.
  Dropout MakeDropout(double probability, RandomPurpose purpose) const {
    return {training ? probability : 0.0, seed, purpose, arrays.step(), arrays.nodes()};
  }
  // sum [n] = the sum over all partitions of summands [Pl, n], which are overwritten. Collective.
  template <typename T>
  absl::Status Sum(const std::string& operation, Array<T>& summands, TensorView<T> sum) const {
    return OrderedSum(comm, owners, operation, kernels.row_adder(), summands.span(), SpanOf(sum));
  }
  // The same in the background: summands and sum stay untouched until WaitForSums().
  template <typename T>
  void StartSum(const std::string& operation, Array<T>& summands, TensorView<T> sum) const {
    background.SubmitOrdered(operation, summands.span(), SpanOf(sum), &memory());
  }
  // Waits for all sums that were started, by any layer.
  absl::Status WaitForSums() const { return background.Wait(&memory()); }

 private:
  template <typename T>
  static absl::Span<T> SpanOf(TensorView<T> view) {
    return {view.data(), static_cast<size_t>(view.size())};
  }
};

}  // namespace quadhop
