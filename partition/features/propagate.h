// Hop features: `quadhop propagate`. DESIGN.md section 4, "Hop features".
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "core/arrays/dtype.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/steps/progress.h"
#include "partition/steps/step_needs.h"

namespace quadhop {

struct PropagateOptions {
  int32_t hops = 2;           // [0, 16]
  DType dtype = DType::kF32;  // of features.npy: kF32, kF16 or kBF16
  // Each column of x to mean 0 and deviation 1, a constant one to 0; in a store imported `like`
  // another by the means and deviations of that one.
  bool standardize = false;
  bool with_encodings = false;  // x has the encodings' columns after those of the features
  // What working arrays may take; 0: 80 % of the memory available. Affects only how the result is
  // made.
  int64_t memory_bytes = 0;
  CommitHook on_commit{};
  ProgressHook on_progress{};
  bool verified = false;  // the caller has checked, or just made, what is read of the store

  // As in the store's provenance: "hops=2 dtype=f32", and " standardize=true" and
  // " with-encodings=true" if these are set.
  std::string ToString() const;
};

// For F features, `width`, stored in values of `value_bytes`.
StepNeeds PropagateNeeds(int64_t num_nodes, int64_t width, int32_t hops, int64_t value_bytes);

// Writes features.npy [N, 1 + hops, F]: x, Âx, ..., Â^hops x of every node, x from raw.npy or the
// sparse raw.* files, standardised if asked for; these stay, so that it can be done again with
// other options. x has the encodings after them if asked for, and alone for a graph without
// features. Hops are summed in f32 and converted at the end. Takes memory for two [N, W] arrays of
// floats, for W columns at a time, as many as fit. If that is not all columns, hops wait on disk
// until features.npy is written from its beginning to its end. Does not depend on the threads.
// Errors: kInvalidArgument for options out of range, or a value beyond the dtype's range;
//         kFailedPrecondition if there is nothing to take as x; kResourceExhausted; those of Store
//         and StoreWriter. The store is then unchanged.
absl::Status PropagateStore(const std::string& path, const PropagateOptions& options,
                            ThreadPool& pool);

}  // namespace quadhop
