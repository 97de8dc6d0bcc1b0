#include "model/checkpoint/checkpoint_transfer.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/status.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

// The nodes of each centroid.
absl::StatusOr<std::vector<int64_t>> CountCodes(const std::string& path,
                                                const CheckpointManifest& manifest,
                                                int64_t centroids) {
  QH_ASSIGN_OR_RETURN(const StoredCodes codes, StoredCodes::Open(path, manifest));
  std::vector<int64_t> counts(static_cast<size_t>(centroids));
  for (const int16_t code : codes.values()) {
    QH_RETURN_IF_ERROR(CheckCode(path, code, centroids));
    ++counts[static_cast<size_t>(code)];
  }
  return counts;
}

bool HasStarted(LargeGT& model) {
  const std::vector<float> sizes = ToHost(model.memory(), model.codebook()->sizes());
  return std::any_of(sizes.begin(), sizes.end(), [](float size) { return size > 0; });
}

// Names the arrays of a file and of a model that the other lacks; "" if there are none.
absl::StatusOr<std::string> DescribeRest(const SafetensorsFile& file,
                                         const std::vector<std::string>& lacking, LargeGT& model) {
  std::set<std::string> of_model;
  for (const StateArray& array : model.State()) of_model.insert(array.name);
  std::vector<std::string> unused;
  for (const std::string& name : file.names())
    if (of_model.count(name) == 0 && name != kCodesArray) unused.push_back(name);
  if (lacking.size() == of_model.size())
    return absl::FailedPreconditionError(absl::StrCat(
        file.path(), " has none of the model's ", of_model.size(), " arrays, such as '",
        lacking.front(), "'", unused.empty() ? "" : absl::StrCat(", but '", unused.front(), "'"),
        ": give them the names of the paper's code, as quadhop export writes them"));
  std::string rest;
  if (!lacking.empty())
    rest = absl::StrCat(file.path(), " lacks ", lacking.size(), " of the model's ", of_model.size(),
                        " arrays, which stay random: the first is ", lacking.front());
  if (!unused.empty())
    absl::StrAppend(&rest, rest.empty() ? "" : "; ", "not used: ", unused.size(), " of ",
                    file.names().size(), " arrays of ", file.path(), ", the first is ",
                    unused.front());
  return rest;
}

}  // namespace

absl::Status ReadCheckpointOfOtherStore(const std::string& path, LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(path));
  QH_ASSIGN_OR_RETURN(const std::string weights, FindFile(path, manifest, kWeightsFile));
  QH_RETURN_IF_ERROR(ReadWeights(weights, /*all_required=*/true, model).status());
  Codebook* const book = model.codebook();
  if (book == nullptr) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> counts,
                      CountCodes(path, manifest, book->num_centroids()));
  book->TakeCounts(counts);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ImportWeights(const std::string& path,
                                          absl::Span<const int64_t> owned_original_ids,
                                          int64_t num_nodes, Communicator& comm, LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> lacking,
                      ReadWeights(path, /*all_required=*/false, model));
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  QH_ASSIGN_OR_RETURN(const std::string rest, DescribeRest(file, lacking, model));
  Codebook* const book = model.codebook();
  if (book == nullptr) return rest;
  const SafetensorsEntry* entry = file.Find(kCodesArray);
  if (entry != nullptr && entry->size() == num_nodes) {
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> codes, file.ReadAsInt64(kCodesArray));
    std::vector<int16_t> owned;
    for (const int64_t place : owned_original_ids) {
      if (place < 0 || place >= num_nodes)
        return absl::DataLossError(absl::StrCat("the store has a node with the original id ", place,
                                                "; allowed: [0, ", num_nodes,
                                                "): import it again"));
      const int64_t code = codes[static_cast<size_t>(place)];
      QH_RETURN_IF_ERROR(CheckCode(path, code, book->num_centroids()));
      owned.push_back(static_cast<int16_t>(code));
    }
    book->SetCodes(owned);
  }
  QH_RETURN_IF_ERROR(book->RecountCodes(comm, book->started() || HasStarted(model)));
  return rest;
}

}  // namespace quadhop
