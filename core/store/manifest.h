// The text of a store's manifest, store.textproto: reading, writing, and what every manifest must
// satisfy.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

#include "core/store/store.pb.h"

namespace quadhop {

inline constexpr char kStoreManifestName[] = "store.textproto";
// A complete manifest whose step is taking effect; see StoreWriter.
inline constexpr char kNextManifestName[] = "store.textproto.next";

// Whether a store is there, even one whose last step was interrupted.
bool IsStoreFolder(const std::string& path);

// The text, ending with its checksum: a last line `checksum: "..."` over all bytes before that
// line.
std::string ManifestToText(StoreManifest manifest);

// What tells stores apart: a checksum of the manifest without where the input was and when it
// changed, which say nothing about what was made from it.
std::string StoreIdentity(StoreManifest manifest);

// kDataLoss: not a textproto (naming the line), without a format version (an empty file), or not
// matching its checksum. kFailedPrecondition: another format version. kInvalidArgument: an unknown
// field (naming the line), or an error of CheckManifest. `path` is for messages.
absl::StatusOr<StoreManifest> ParseManifest(absl::string_view text, const std::string& path);

// ParseManifest of a file; also the errors of ReadFile.
absl::StatusOr<StoreManifest> ReadManifest(const std::string& path);

// kInvalidArgument, naming the first field that is out of its range. `path` is for messages.
absl::Status CheckManifest(const StoreManifest& manifest, const std::string& path);

// kInvalidArgument unless a file of a store may have this name: plain, not hidden, not one of the
// store's own.
absl::Status CheckFileName(absl::string_view name);

// The step that makes a file of a store: "import", "encode" or "propagate" (which are also
// subcommands of quadhop).
absl::string_view StepOfFile(absl::string_view name);
// "restore the file, or run `quadhop encode` again"
std::string RemedyFor(absl::string_view name);

// Forgets a file and the step that made it, as if that step had not been done.
void LeaveOut(StoreManifest& manifest, absl::string_view name);

// Whether features.npy has columns of encodings: after those of the features, or in their place, if
// there are none.
bool FeaturesHoldEncodings(const StoreManifest& manifest);

// nullptr if there is none.
const StoreFile* FindFile(const StoreManifest& manifest, absl::string_view name);
const Provenance* FindStep(const StoreManifest& manifest, absl::string_view step);

}  // namespace quadhop
