// What a checkpoint is made of: its files, its manifest, and which state of a run goes where.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/arrays/npy.h"
#include "model/checkpoint/checkpoint.pb.h"
#include "model/largegt/largegt.h"
#include "model/parameters/adam.h"

namespace quadhop {

inline constexpr char kCheckpointManifestName[] = "checkpoint.textproto";
inline constexpr char kWeightsFile[] = "weights.safetensors";
inline constexpr char kOptimizerFile[] = "optimizer.safetensors";
inline constexpr char kCandidatesFile[] = "candidates.safetensors";
inline constexpr char kCodesFile[] = "codes.npy";
// In exported weights: the code of every node, in the order of the input.
inline constexpr char kCodesArray[] = "convs.0.c_idx";

// Whether the folder has the manifest of a checkpoint.
bool IsCheckpointFolder(const std::string& path);

// Views of Adam's moments for each trained parameter, as exp_avg.NAME and exp_avg_sq.NAME.
std::vector<StateArray> OptimizerState(LargeGT& model, Adam& adam);

// The manifest's entry for a file of `folder`, as the file is on disk.
absl::StatusOr<CheckpointFile> DescribeFile(const std::string& folder, const std::string& name);

// Gives the manifest its version and checksum, and writes it into `folder`.
absl::Status WriteCheckpointManifest(CheckpointManifest manifest, const std::string& folder);

// The manifest of the checkpoint at `path`, checked against its checksum; the file names in it stay
// inside the folder. kNotFound, kDataLoss, kFailedPrecondition (another version).
absl::StatusOr<CheckpointManifest> ReadCheckpointManifest(const std::string& path);

// kFailedPrecondition, saying what to do, if the checkpoint at `path` is, by its manifest, from a
// store other than the one with this identity.
absl::Status CheckIsOfStore(const std::string& path, const CheckpointManifest& manifest,
                            const std::string& store);

// kDataLoss, naming the file, if it is not as the manifest of its folder `path` says.
absl::Status VerifyFile(const std::string& path, const CheckpointFile& file);

// The path of the file `name`, which is checked against the manifest: kDataLoss.
// kFailedPrecondition if the manifest lists no such file.
absl::StatusOr<std::string> FindFile(const std::string& path, const CheckpointManifest& manifest,
                                     absl::string_view name);

// The codes of all nodes, in the order of the store, memory-mapped.
class StoredCodes {
 public:
  // Checks the file of codes against the manifest: kDataLoss.
  static absl::StatusOr<StoredCodes> Open(const std::string& path,
                                          const CheckpointManifest& manifest);
  // [N]; empty if the model had no codebook.
  absl::Span<const int16_t> values() const;

 private:
  absl::optional<NpyFile> file_;
};
// kDataLoss, naming `path`, if there is no centroid `code`.
absl::Status CheckCode(const std::string& path, int64_t code, int64_t centroids);

// Removes the files in `path` that a checkpoint writes, and the folder if nothing else is in it:
// what somebody else put there stays. If `path` is a link, only the link is removed. OK if there is
// no such folder.
absl::Status RemoveCheckpoint(const std::string& path);

}  // namespace quadhop
