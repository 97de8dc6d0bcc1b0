#include "model/checkpoint_transfer.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <vector>

#include "core/npy.h"
#include "core/status.h"
#include "model/checkpoint_parts.h"
#include "model/safetensors.h"

namespace quadhop {
namespace {

absl::Status CheckCode(const std::string& path, int64_t code, size_t centroids) {
  if (code >= 0 && static_cast<size_t>(code) < centroids) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, " has code ", code, "; allowed: [0, ", centroids, ")"));
}

absl::Status CountCodes(const std::string& path, std::vector<int64_t>& counts) {
  QH_ASSIGN_OR_RETURN(const NpyFile file, NpyFile::Open(path));
  if (file.header().dtype != DType::kI16)
    return absl::DataLossError(absl::StrCat(path, " holds ", DTypeName(file.header().dtype),
                                            "; codes are i16: restore the file"));
  for (const int16_t code : file.values<int16_t>()) {
    QH_RETURN_IF_ERROR(CheckCode(path, code, counts.size()));
    ++counts[static_cast<size_t>(code)];
  }
  return absl::OkStatus();
}

bool HasStarted(LargeGT& model) {
  const std::vector<float> sizes = ToHost(model.memory(), model.codebook()->sizes());
  return std::any_of(sizes.begin(), sizes.end(), [](float size) { return size > 0; });
}

}  // namespace

absl::Status ReadCheckpointOfOtherStore(const std::string& path, LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(path));
  Codebook* const book = model.codebook();
  std::vector<int64_t> counts(book != nullptr ? static_cast<size_t>(book->num_centroids()) : 0);
  for (const CheckpointFile& file : manifest.files()) {
    const std::string file_path = absl::StrCat(path, "/", file.name());
    const bool codes = absl::StartsWith(file.name(), "codes-");
    if (!codes && file.name() != kWeightsFile) continue;
    QH_RETURN_IF_ERROR(VerifyFile(path, file));
    QH_RETURN_IF_ERROR(!codes ? ReadWeights(file_path, /*all_required=*/true, model)
                              : CountCodes(file_path, counts));
  }
  if (book != nullptr) book->TakeCounts(counts);
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
    const auto num_centroids = static_cast<size_t>(book->num_centroids());
    std::vector<int16_t> owned;
    for (const int64_t place : owned_original_ids) {
      if (place < 0 || place >= num_nodes)
        return absl::DataLossError(absl::StrCat("the store has a node of the original id ", place,
                                                "; allowed: [0, ", num_nodes,
                                                "): import it again"));
      const int64_t code = codes[static_cast<size_t>(place)];
      QH_RETURN_IF_ERROR(CheckCode(path, code, num_centroids));
      owned.push_back(static_cast<int16_t>(code));
    }
    book->SetCodes(owned);
  }
  return book->StateChanged(comm, book->started() || HasStarted(model));
}

}  // namespace quadhop
