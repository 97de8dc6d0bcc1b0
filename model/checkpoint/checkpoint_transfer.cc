#include "model/checkpoint/checkpoint_transfer.h"

#include <algorithm>
#include <vector>

#include "core/status.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

// The nodes of each centroid.
absl::StatusOr<std::vector<int64_t>> CountCodes(const std::string& path,
                                                const CheckpointManifest& manifest,
                                                int64_t centroids) {
  QH_ASSIGN_OR_RETURN(const std::vector<int16_t> codes, ReadCodes(path, manifest));
  std::vector<int64_t> counts(static_cast<size_t>(centroids));
  for (const int16_t code : codes) {
    QH_RETURN_IF_ERROR(CheckCode(path, code, centroids));
    ++counts[static_cast<size_t>(code)];
  }
  return counts;
}

bool HasStarted(LargeGT& model) {
  const std::vector<float> sizes = ToHost(model.memory(), model.codebook()->sizes());
  return std::any_of(sizes.begin(), sizes.end(), [](float size) { return size > 0; });
}

}  // namespace

absl::Status ReadCheckpointOfOtherStore(const std::string& path, LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(path));
  QH_ASSIGN_OR_RETURN(const std::string weights, FindFile(path, manifest, kWeightsFile));
  QH_RETURN_IF_ERROR(ReadWeights(weights, /*all_required=*/true, model));
  Codebook* const book = model.codebook();
  if (book == nullptr) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> counts,
                      CountCodes(path, manifest, book->num_centroids()));
  book->TakeCounts(counts);
  return absl::OkStatus();
}

absl::Status ImportWeights(const std::string& path, absl::Span<const int64_t> owned_original_ids,
                           int64_t num_nodes, Communicator& comm, LargeGT& model) {
  QH_RETURN_IF_ERROR(ReadWeights(path, /*all_required=*/false, model));
  Codebook* const book = model.codebook();
  if (book == nullptr) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  const SafetensorsEntry* entry = file.Find(kCodesArray);
  if (entry != nullptr && entry->size() == num_nodes) {
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> codes, file.ReadAsInt64(kCodesArray));
    std::vector<int16_t> owned;
    for (const int64_t place : owned_original_ids) {
      if (place < 0 || place >= num_nodes)
        return absl::DataLossError(absl::StrCat("the store has a node of the original id ", place,
                                                "; allowed: [0, ", num_nodes,
                                                "): import it again"));
      const int64_t code = codes[static_cast<size_t>(place)];
      QH_RETURN_IF_ERROR(CheckCode(path, code, book->num_centroids()));
      owned.push_back(static_cast<int16_t>(code));
    }
    book->SetCodes(owned);
  }
  return book->StateChanged(comm, book->started() || HasStarted(model));
}

}  // namespace quadhop
