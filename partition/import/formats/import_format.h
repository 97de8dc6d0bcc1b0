// A format of graphs that `import` reads. A new format is one file x_importer.cc, which
// defines its ImportFormat, and its name in the lists of import_format.cc.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <string>

#include "core/threads/thread_pool.h"
#include "partition/import/target/import_options.h"
#include "partition/import/target/import_target.h"
#include "partition/steps/prep_shape.h"

namespace quadhop {

// Formats are constants of static storage, initialised at compile time (constinit), so that they
// may be used at any time. All functions are thread-safe.
struct ImportFormat {
  // Of --format.
  const char* name;

  // For people: the files that it looks for.
  const char* recognised_by;

  // Whether `from` is in this format, by the names of files and their beginnings.
  bool (*recognises)(const std::string& from);

  // Fills the target from options.from: SetNodes first, then the rest in any order; what becomes of
  // arcs and where the store is are not its business. Streams: never the whole input in memory
  // twice. Errors as Import's.
  absl::Status (*read)(const ImportOptions& options, ImportTarget& target, ThreadPool& pool);

  // Whether the input is known, before it is read, to have splits of its own. Where it is not, the
  // seed, by which splits may be drawn, is part of the provenance. Null: it never is.
  bool (*has_splits)(const std::string& from) = nullptr;

  // Whether it holds a graph alone, or may, so that --features and --labels are for it.
  bool takes_companions = false;

  // Whether it is what --nodes is for: at most one format.
  bool takes_tables = false;

  // Whether it is a list of arcs in columns, which --ends can name.
  bool takes_ends = false;

  // Nodes, edges as they stand, and features, without reading them, or an estimate; nothing if that
  // cannot be told. Null: it never can be.
  absl::StatusOr<absl::optional<PrepShape>> (*measure)(const ImportOptions& options) = nullptr;
};

// Every format, in the order in which "auto" asks them.
absl::Span<const ImportFormat* const> AllImportFormats();

}  // namespace quadhop
