#include <absl/strings/match.h>

#include <vector>

#include "core/npy.h"
#include "core/status.h"
#include "model/checkpoint.h"
#include "model/checkpoint_parts.h"
#include "model/safetensors.h"

namespace quadhop {

absl::Status ExportWeights(const std::string& checkpoint, absl::Span<const int64_t> original_ids,
                           const std::string& out) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, VerifyCheckpoint(checkpoint));
  QH_ASSIGN_OR_RETURN(const SafetensorsFile weights,
                      SafetensorsFile::Open(checkpoint + "/" + kWeightsFile));
  std::vector<NamedTensor> tensors;
  for (const std::string& name : weights.names()) {
    const SafetensorsEntry* entry = weights.Find(name);
    tensors.push_back({name, entry->dtype, entry->dims, entry->bytes.data()});
  }
  std::vector<int16_t> codes(original_ids.size());
  size_t node = 0;
  for (const CheckpointFile& file : manifest.files()) {
    if (!absl::StartsWith(file.name(), "codes-")) continue;
    QH_ASSIGN_OR_RETURN(const NpyFile part, NpyFile::Open(checkpoint + "/" + file.name()));
    for (int16_t code : part.values<int16_t>()) {
      if (node == codes.size())
        return absl::FailedPreconditionError(
            absl::StrCat(checkpoint, " has codes for more nodes than the store's ", codes.size()));
      codes[static_cast<size_t>(original_ids[node++])] = code;
    }
  }
  if (node > 0 && node < codes.size())
    return absl::FailedPreconditionError(
        absl::StrCat(checkpoint, " has codes for ", node, " nodes; the store has ", codes.size()));
  if (node > 0) {
    tensors.push_back(
        {"convs.0.c_idx", DType::kI16, {static_cast<int64_t>(codes.size())}, codes.data()});
  }
  return WriteSafetensors(out, tensors, {{"format", "pt"}});
}

}  // namespace quadhop
