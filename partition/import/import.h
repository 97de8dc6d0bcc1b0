// `quadhop import`: a graph in any format on a user's disk into a store of one partition, in input
// order.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>

#include <string>
#include <vector>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "partition/import/target/import_options.h"
#include "partition/import/target/import_report.h"
#include "partition/steps/prep_shape.h"

namespace quadhop {

// "ogb", "wordnet", ...: what `format` may be besides "auto".
std::vector<std::string> ImportFormats();

// The `options` of the import's entry in the store's provenance: what a later call would have to
// say, with the same inputs, for the store to be the same. Resolves "auto". kNotFound if `from` is
// absent, kInvalidArgument if no format fits.
absl::StatusOr<std::string> ImportProvenance(const ImportOptions& options);

// The `inputs` of the import's entry in the provenance: name, bytes and time of change of each
// input, and a checksum of its first and last bytes (for a folder: a checksum of all these for its
// files, hidden ones left out), wherever it lies. Errors, naming the flag: kNotFound or
// kPermissionDenied for one that cannot be read; kInvalidArgument for one that lies in the store's
// folder.
absl::StatusOr<std::string> ImportInputs(const ImportOptions& options);

// The `sources` of that entry: where the inputs are, and --like.
std::string ImportSources(const ImportOptions& options);

// True if the store was imported with these options (ImportProvenance), of inputs that have changed
// since. False for a store that does not say what they were.
bool InputsChanged(const Store& store, absl::string_view options, absl::string_view inputs);

// kFailedPrecondition if there is a store, whole or damaged, that was imported from another path
// than `options.from`, and these are not the same inputs, moved: prep may not replace one graph by
// another. OK for a store that does not say.
absl::Status CheckSameSource(const ImportOptions& options, absl::string_view inputs);

// What the input says of its size without being read, or an estimate from its beginning; nothing if
// its format does not tell. `shape.arcs` is an upper bound, since duplicates are still counted.
// Numbers above 2^36 nodes or 2^42 edges are lowered to these. Errors as Import's.
absl::StatusOr<absl::optional<PrepShape>> MeasureInput(const ImportOptions& options);

// Reads `from` and replaces whatever the store held: topology, raw features, labels, splits,
// original ids; provenance has the one step "import". kNotFound: no such input, or a file of it is
// absent. kInvalidArgument: no format fits, or the input is wrong, naming file, line and column.
// kDataLoss: a compressed file is cut short or corrupt. On error the store is as it was, or absent
// if it was absent.
absl::StatusOr<ImportReport> Import(const ImportOptions& options, ThreadPool& pool);

}  // namespace quadhop
