// `quadhop import`: any format of graph on a user's disk into a store of one partition, in input
// order.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/store.h"
#include "core/store_writer.h"
#include "core/thread_pool.h"
#include "partition/steps/prep_shape.h"
#include "partition/steps/progress.h"

namespace quadhop {

struct ImportOptions {
  std::string from;                 // a folder, or a file, as the format has it
  std::string store;                // the folder of the store, made if absent
  std::string format = "auto";      // "auto" or one of ImportFormats()
  bool directed = false;            // false: the inverse of every arc is added
  bool reverse = false;             // with `directed`: arcs are turned round
  bool to_be_standardized = false;  // features, by propagate: then their scale is not noted
  uint64_t seed = 0;                // of splits made here, projections and the SVD
  // Columns that wider features are projected to at random (features made of words: reduced to by
  // an SVD, 128 if it is 0); 0: they are stored as they are.
  int32_t project = 0;
  // Of an edge list by names: tables of the nodes, of which the first has all; and of their columns
  // those of names and of labels, where they are not found (node_columns.h), and those not to use.
  std::vector<std::string> nodes{};
  std::string id{};
  std::string label{};
  std::vector<std::string> left_out{};
  std::string ends{};  // "SRC,DST", of the edge list, if not found
  // .npy arrays [N, ...] for inputs that may hold a graph alone; or empty.
  std::string features{};
  std::string labels{};
  std::string splits{};      // also for inputs without a split
  int64_t memory_bytes = 0;  // what working arrays may take; 0: 80 % of what is available
  CommitHook on_commit{};
  ProgressHook on_progress{};
};

// Figures of an import, all after deduplication except where they say otherwise.
struct ImportReport {
  std::string format;
  int64_t nodes = 0;
  int64_t arcs = 0;  // E; an undirected edge is two
  bool directed = false;
  bool reverse = false;
  int64_t features = 0;  // F; 0: none
  int64_t classes = 0;   // C; 0: no labels
  bool multi_label = false;
  int64_t unlabelled = 0;                           // nodes
  std::vector<std::string> splits;                  // names, ascending
  std::vector<std::array<int64_t, 4>> split_sizes;  // nodes of each SplitPart
  int64_t arcs_read = 0;                            // as they stand in the input
  int64_t duplicates_removed = 0;                   // arcs, as they stand in the input
  int64_t self_loops_removed = 0;
  int64_t inverses_added = 0;
  int64_t without_out_neighbours = 0;  // nodes
  int64_t text_bytes = 0;              // inflated text that was parsed; 0 where nothing was
  double seconds = 0;
  std::vector<std::string> notes;  // for people: what was left aside, what is missing

  // For people, several lines.
  std::string Describe() const;
};

// "ogb", "wordnet", ...: what `format` may be besides "auto".
std::vector<std::string> ImportFormats();

// The `options` of the import's entry in the store's provenance: what a later call would have to
// say, of the same inputs, for the store to be the same. Resolves "auto". kNotFound if `from` is
// absent, kInvalidArgument if no format fits.
absl::StatusOr<std::string> ImportProvenance(const ImportOptions& options);

// The `inputs` of the import's entry in the provenance: name, bytes and time of change of each
// input, and a checksum of its first and last bytes (of a folder: a checksum of all these of its
// files, hidden ones left out), wherever it lies. Errors, naming the flag: kNotFound or
// kPermissionDenied for one that cannot be read; kInvalidArgument for one that lies in the store's
// folder.
absl::StatusOr<std::string> ImportInputs(const ImportOptions& options);

// The `sources` of that entry: where the inputs are.
std::string ImportSources(const ImportOptions& options);

// True if the store was imported with these options (ImportProvenance), of inputs that have changed
// since. False for a store that does not say what they were.
bool InputsChanged(const Store& store, absl::string_view options, absl::string_view inputs);

// What the input says of its size without being read, or an estimate by its beginning: nothing
// where its format does not tell. `shape.arcs` are an upper bound, since duplicates are still in.
// More than 2^36 nodes or 2^42 edges are said to be as many. Errors as Import's.
absl::StatusOr<absl::optional<PrepShape>> MeasureInput(const ImportOptions& options);

// Reads `from` and replaces whatever the store held: topology, raw features, labels, splits,
// original ids; provenance has the one step "import". kNotFound: no such input, or a file of it is
// absent. kInvalidArgument: no format fits, or the input is wrong, naming file, line and column.
// kDataLoss: a compressed file is cut short or corrupt. On error the store is as it was, or absent
// if it was absent.
absl::StatusOr<ImportReport> Import(const ImportOptions& options, ThreadPool& pool);

}  // namespace quadhop
