// Paths on the command line.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

namespace quadhop {

// The kind of a path, recognised by the file that it contains.
enum class PathKind {
  kStore,       // kStoreManifestName
  kRun,         // kRunMark; or a folder of runs over seeds or splits
  kCheckpoint,  // kCheckpointManifestName
};
// kNotFound, naming these files, if the path is something else; an error of IsPresent if that
// cannot be told. A path at which there is nothing is taken for a store.
absl::StatusOr<PathKind> KindOf(const std::string& path);

// A usage error unless results may be written to `path`, the value of --flag: it ends in one of
// `endings`, its folder is there (on rank 0's host, which writes), and it lies neither in a store
// nor in a checkpoint of a run, whose files it could replace.
absl::Status CheckOutput(absl::string_view flag, const std::string& path,
                         absl::Span<const absl::string_view> endings);

}  // namespace quadhop
