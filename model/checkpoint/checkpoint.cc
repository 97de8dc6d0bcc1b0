#include "model/checkpoint/checkpoint.h"

#include <absl/strings/str_join.h>

#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/threads/thread_pool.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop {
namespace {

absl::Status CheckArray(const std::string& path, const std::string& name,
                        const SafetensorsEntry* entry, const std::vector<int64_t>& dims) {
  if (entry == nullptr)
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has no array ", name, ", which the model of this config has"));
  if (entry->dims == dims) return absl::OkStatus();
  const auto text = [](const std::vector<int64_t>& d) {
    return absl::StrCat("[", absl::StrJoin(d, ", "), "]");
  };
  return absl::FailedPreconditionError(absl::StrCat(
      path, ": ", name, " has dims ", text(entry->dims), ", but the model of this config has ",
      text(dims),
      name == "fc_in_seq.0.weight" ? " (columns: features, and marks if model.token_marks is true)"
      : name == "ffs.0.0.weight"
          ? " (columns: those of modules, and features if model.head_features is true)"
          : ""));
}

absl::StatusOr<Codebook::Candidates> ReadCandidates(const std::string& path, int64_t width) {
  Codebook::Candidates candidates;
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  QH_ASSIGN_OR_RETURN(candidates.keys, file.ReadAsInt64("keys"));
  QH_RETURN_IF_ERROR(CheckArray(path, "queries", file.Find("queries"), {candidates.size(), width}));
  QH_ASSIGN_OR_RETURN(candidates.queries, file.ReadAsFloat("queries"));
  return candidates;
}

absl::Status ReadFloats(const SafetensorsFile& file, const StateArray& array, Memory& memory) {
  QH_RETURN_IF_ERROR(CheckArray(file.path(), array.name, file.Find(array.name), array.dims));
  QH_ASSIGN_OR_RETURN(const std::vector<float> values, file.ReadAsFloat(array.name));
  ToArray<float>(memory, values, array.floats);
  return memory.status();
}

absl::Status ReadArrays(const std::string& path, const std::vector<StateArray>& arrays,
                        Memory& memory) {
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  for (const StateArray& array : arrays) QH_RETURN_IF_ERROR(ReadFloats(file, array, memory));
  return absl::OkStatus();
}

// [first, end) of the store's nodes that this rank owns.
BlockRange OwnedNodes(const CheckpointSubject& s) {
  const auto rank = static_cast<size_t>(s.comm.rank().value());
  const auto offset = [&](int32_t p) { return s.partition_offsets[static_cast<size_t>(p)]; };
  return {offset(s.owners.first[rank]), offset(s.owners.first[rank + 1])};
}

absl::StatusOr<std::vector<int16_t>> ReadOwnCodes(const CheckpointSubject& s,
                                                  const std::string& path,
                                                  const CheckpointManifest& manifest) {
  const BlockRange owned = OwnedNodes(s);
  QH_ASSIGN_OR_RETURN(const StoredCodes stored, StoredCodes::Open(path, manifest));
  const auto num_codes = static_cast<int64_t>(stored.values().size());
  const int64_t num_nodes = s.partition_offsets.back();
  if (num_codes != num_nodes)
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has codes for ", num_codes,
                     " nodes; a model of this config needs those of ", num_nodes));
  std::vector<int16_t> codes(stored.values().begin() + owned.begin,
                             stored.values().begin() + owned.end);
  for (const int16_t code : codes)
    QH_RETURN_IF_ERROR(CheckCode(path, code, s.model.options().dims.centroids));
  return codes;
}

absl::Status ReadCodebook(const CheckpointSubject& s, const std::string& path,
                          const CheckpointManifest& manifest) {
  const bool started = manifest.position().codebook_started();
  QH_ASSIGN_OR_RETURN(const std::vector<int16_t> codes, ReadOwnCodes(s, path, manifest));
  Codebook::Candidates candidates;
  if (!started) {
    QH_ASSIGN_OR_RETURN(const std::string file, FindFile(path, manifest, kCandidatesFile));
    QH_ASSIGN_OR_RETURN(candidates, ReadCandidates(file, s.model.options().dims.query()));
  }
  Codebook& book = *s.model.codebook();
  book.SetCodes(codes);
  book.RestoreCandidates(s.comm.rank(), std::move(candidates));
  return book.RecountCodes(s.comm, started);
}

}  // namespace

absl::StatusOr<CheckpointManifest> VerifyCheckpoint(const std::string& path) {
  QH_ASSIGN_OR_RETURN(CheckpointManifest manifest, ReadCheckpointManifest(path));
  for (const CheckpointFile& file : manifest.files()) QH_RETURN_IF_ERROR(VerifyFile(path, file));
  return manifest;
}

absl::StatusOr<std::vector<std::string>> ReadWeights(const std::string& path, bool all_required,
                                                     LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  std::vector<std::string> lacking;
  for (const StateArray& array : model.State()) {
    if (!all_required && !file.Contains(array.name)) {
      lacking.push_back(array.name);
      continue;
    }
    if (array.integer == nullptr) {
      QH_RETURN_IF_ERROR(ReadFloats(file, array, model.memory()));
      continue;
    }
    QH_RETURN_IF_ERROR(CheckArray(path, array.name, file.Find(array.name), array.dims));
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> value, file.ReadAsInt64(array.name));
    *array.integer = value[0];
  }
  return lacking;
}

absl::StatusOr<RunPosition> ReadCheckpoint(const CheckpointSubject& s, const std::string& path) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(path));
  QH_RETURN_IF_ERROR(CheckIsOfStore(path, manifest, s.store));
  QH_ASSIGN_OR_RETURN(const std::string weights, FindFile(path, manifest, kWeightsFile));
  QH_RETURN_IF_ERROR(ReadWeights(weights, /*all_required=*/true, s.model).status());
  const RunPosition& position = manifest.position();
  if (s.adam != nullptr) {
    QH_ASSIGN_OR_RETURN(const std::string optimizer, FindFile(path, manifest, kOptimizerFile));
    QH_RETURN_IF_ERROR(ReadArrays(optimizer, OptimizerState(s.model, *s.adam), s.model.memory()));
    s.adam->num_steps() = position.step() - position.skipped_steps();
  }
  if (s.model.codebook() != nullptr) QH_RETURN_IF_ERROR(ReadCodebook(s, path, manifest));
  return position;
}

}  // namespace quadhop
