#include <absl/strings/match.h>

#include <vector>

#include "core/npy.h"
#include "core/status.h"
#include "model/checkpoint.h"
#include "model/checkpoint_parts.h"
#include "model/safetensors.h"

namespace quadhop {
namespace {

// The code of every node in the order of the input; empty if the model has none.
absl::StatusOr<std::vector<int16_t>> CodesOfInput(const std::string& checkpoint,
                                                  const CheckpointManifest& manifest,
                                                  absl::Span<const int64_t> original_ids) {
  std::vector<int16_t> stored;  // in the order of the store
  for (const CheckpointFile& file : manifest.files()) {
    if (!absl::StartsWith(file.name(), "codes-")) continue;
    QH_ASSIGN_OR_RETURN(const NpyFile part, NpyFile::Open(checkpoint + "/" + file.name()));
    const absl::Span<const int16_t> values = part.values<int16_t>();
    stored.insert(stored.end(), values.begin(), values.end());
  }
  if (!stored.empty() && stored.size() != original_ids.size())
    return absl::FailedPreconditionError(absl::StrCat(checkpoint, " has codes for ", stored.size(),
                                                      " nodes; the store has ",
                                                      original_ids.size()));
  std::vector<int16_t> codes(stored.size());
  for (size_t node = 0; node < stored.size(); ++node) {
    const int64_t id = original_ids[node];
    if (id < 0 || id >= static_cast<int64_t>(codes.size()))
      return absl::DataLossError(absl::StrCat("node ", node, " of the store has the original id ",
                                              id, "; allowed: [0, ", codes.size(), ")"));
    codes[static_cast<size_t>(id)] = stored[node];
  }
  return codes;
}

}  // namespace

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
  QH_ASSIGN_OR_RETURN(const std::vector<int16_t> codes,
                      CodesOfInput(checkpoint, manifest, original_ids));
  if (!codes.empty()) {
    tensors.push_back(
        {kCodesArray, DType::kI16, {static_cast<int64_t>(codes.size())}, codes.data()});
  }
  return WriteSafetensors(out, tensors, {{"format", "pt"}});
}

}  // namespace quadhop
