#include "model/checkpoint/checkpoint_export.h"

#include <vector>

#include "core/base/status.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

// The code of every node in the order of the input, from those in the order of the store.
absl::StatusOr<std::vector<int16_t>> CodesOfInput(const std::string& checkpoint,
                                                  absl::Span<const int16_t> stored,
                                                  absl::Span<const int64_t> original_ids) {
  if (stored.size() != original_ids.size())
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

absl::Status ExportWeights(const std::string& checkpoint, const absl::optional<NodesOfStore>& nodes,
                           std::map<std::string, std::string> metadata, const std::string& out) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, VerifyCheckpoint(checkpoint));
  QH_ASSIGN_OR_RETURN(const SafetensorsFile weights,
                      SafetensorsFile::Open(checkpoint + "/" + kWeightsFile));
  std::vector<NamedTensor> tensors;
  for (const std::string& name : weights.names()) {
    const SafetensorsEntry* entry = weights.Find(name);
    tensors.push_back({name, entry->dtype, entry->dims, entry->bytes.data()});
  }
  QH_ASSIGN_OR_RETURN(const StoredCodes stored, StoredCodes::Open(checkpoint, manifest));
  std::vector<int16_t> codes;
  if (nodes.has_value() && !stored.values().empty()) {
    QH_RETURN_IF_ERROR(CheckIsOfStore(checkpoint, manifest, nodes->identity));
    QH_ASSIGN_OR_RETURN(codes, CodesOfInput(checkpoint, stored.values(), nodes->original_ids));
    tensors.push_back(
        {kCodesArray, DType::kI16, {static_cast<int64_t>(codes.size())}, codes.data()});
  }
  metadata["format"] = "pt";
  return WriteSafetensors(out, tensors, metadata);
}

}  // namespace quadhop
