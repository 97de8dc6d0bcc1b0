// Files of a store that keep means and deviations of columns, f64 [2, columns].
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "partition/linear_algebra/standardize.h"

namespace quadhop {

// kDataLoss if the file has another shape; errors of Store::array.
absl::StatusOr<ColumnMoments> ReadMoments(const Store& store, absl::string_view name);
absl::Status AddMoments(absl::string_view name, const ColumnMoments& moments, StoreWriter& writer);

}  // namespace quadhop
