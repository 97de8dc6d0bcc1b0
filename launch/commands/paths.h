// Paths on the command line.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

namespace quadhop {

// What is at a path, told by the file that makes it one.
enum class PathKind {
  kStore,       // kStoreManifestName
  kRun,         // kRunMark; or a folder of runs over seeds or splits
  kCheckpoint,  // kCheckpointManifestName
};
// kNotFound, naming these, if it is something else; IsPresent's where that cannot be told. Where
// nothing is, a store is meant.
absl::StatusOr<PathKind> KindOf(const std::string& path);

// A usage error unless results may be written to `path`, which is --flag: it ends in one of
// `endings`, its folder is there (on the first rank's host, which writes), and it lies neither in a
// store nor in a checkpoint of a run, whose files it could replace.
absl::Status CheckOutput(absl::string_view flag, const std::string& path,
                         absl::Span<const absl::string_view> endings);

}  // namespace quadhop
