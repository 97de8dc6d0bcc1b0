// moments.npy: the means and deviations of the features of another store, in a store imported
// `--like` it.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/features/raw_features.h"
#include "partition/linear_algebra/standardize.h"

namespace quadhop {

// By which `raw`, of this store, is standardised: those of moments.npy, or of its own nodes.
// kFailedPrecondition if moments.npy is of other columns; kDataLoss if it is of another shape.
absl::StatusOr<ColumnMoments> MomentsFor(const RawFeatures& raw, const Store& store,
                                         ThreadPool& pool);

absl::Status AddMoments(const ColumnMoments& moments, StoreWriter& writer);

}  // namespace quadhop
