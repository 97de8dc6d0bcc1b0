// Features and labels out of the arrays of a file.
//
// Reads block by block and checks every element. Errors are kInvalidArgument, naming the array, the
// element, what it is and what is allowed, and those of ArraySource and ImportTarget.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "partition/import/arrays/array_source.h"
#include "partition/import/target/import_target.h"
#include "partition/steps/prep_shape.h"

namespace quadhop {

// [N, F] or [N] in either order, finite.
absl::Status ImportFeatures(ArraySource features, ImportTarget& target);

// The columns of such an array, by its dims.
int64_t FeatureColumns(const ArraySource& features);

// One class per node, [N], [N, 1] or [1, N]: a whole number, or -1 or NaN if unlabelled; or a
// multi-label target [N, L] of 0, 1 and NaN.
absl::Status ImportLabels(ArraySource labels, ImportTarget& target);
// The same from values already read  // [N]
absl::Status AddClasses(absl::Span<const double> classes, const std::string& place,
                        ImportTarget& target);

// The rows of --features or --labels, and columns of features; nothing if neither is given.
struct CompanionShape {
  int64_t nodes = 0;
  int64_t features = 0;
  std::string counted_by;  // as of ImportTarget::SetNodes
};
absl::StatusOr<absl::optional<CompanionShape>> MeasureCompanions(const ImportOptions& options);
// The shape of a graph of so many nodes and arcs, with the features of --features.
absl::StatusOr<absl::optional<PrepShape>> MeasureWithCompanions(const ImportOptions& options,
                                                                int64_t num_nodes,
                                                                int64_t num_arcs);

// Sets the nodes, as many as those rows; false, setting none, if neither flag is given.
absl::StatusOr<bool> SetNodesOfCompanions(const ImportOptions& options, ImportTarget& target);
// Imports what --features and --labels name, for formats that hold a graph alone.
absl::Status ImportCompanions(const ImportOptions& options, ImportTarget& target);

}  // namespace quadhop
