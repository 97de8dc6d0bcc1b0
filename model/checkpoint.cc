#include "model/checkpoint.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/npy.h"
#include "core/status.h"
#include "model/checkpoint_parts.h"
#include "model/safetensors.h"

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
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", name, " has dims ",
                                                    text(entry->dims), ", but the model of this ",
                                                    "config has ", text(dims)));
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

absl::Status ReadCodes(const std::string& path, absl::Span<int16_t> codes, int64_t centroids) {
  QH_ASSIGN_OR_RETURN(const NpyFile file, NpyFile::Open(path));
  if (file.header().dtype != DType::kI16 ||
      file.header().size() != static_cast<int64_t>(codes.size()))
    return absl::FailedPreconditionError(absl::StrCat(
        path, " has ", file.header().size(), " values of ", DTypeName(file.header().dtype),
        "; the partition has ", codes.size(), " nodes, whose codes are i16"));
  const absl::Span<const int16_t> values = file.values<int16_t>();
  for (int16_t code : values) {
    if (code < 0 || code >= centroids)
      return absl::DataLossError(
          absl::StrCat(path, " has code ", code, "; allowed: [0, ", centroids, ")"));
  }
  std::copy(values.begin(), values.end(), codes.begin());
  return absl::OkStatus();
}

// A checkpoint's files, each checked before it is read.
class Files {
 public:
  Files(std::string path, const CheckpointManifest& manifest)
      : path_(std::move(path)), manifest_(manifest) {}

  // The path of the file. kDataLoss if it is damaged or the manifest does not list it.
  absl::StatusOr<std::string> Find(const std::string& name) const {
    for (const CheckpointFile& file : manifest_.files()) {
      if (file.name() != name) continue;
      QH_RETURN_IF_ERROR(VerifyFile(path_, file));
      return path_ + "/" + name;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(path_, " has no ", name, ", which a model of this config needs"));
  }

 private:
  std::string path_;
  const CheckpointManifest& manifest_;
};

absl::Status ReadCodebook(const CheckpointSubject& s, const Files& files, bool started) {
  const LargeGTDims& dims = s.model.options().dims;
  const auto rank = static_cast<size_t>(s.comm.rank().value());
  std::vector<int16_t> codes = s.model.codebook()->codes();
  for (int32_t p = s.owners.first[rank]; p < s.owners.first[rank + 1]; ++p) {
    QH_ASSIGN_OR_RETURN(const std::string path, files.Find(CodesFile(p)));
    QH_RETURN_IF_ERROR(ReadCodes(path, CodesOf(s, p, absl::MakeSpan(codes)), dims.centroids));
  }
  Codebook::Candidates candidates;
  if (!started) {
    QH_ASSIGN_OR_RETURN(const std::string path, files.Find(kCandidatesFile));
    QH_ASSIGN_OR_RETURN(candidates, ReadCandidates(path, dims.query()));
  }
  Codebook& book = *s.model.codebook();
  book.SetCodes(codes);
  book.RestoreCandidates(s.comm.rank(), std::move(candidates));
  return book.StateChanged(s.comm, started);
}

}  // namespace

absl::StatusOr<CheckpointManifest> VerifyCheckpoint(const std::string& path) {
  QH_ASSIGN_OR_RETURN(CheckpointManifest manifest, ReadCheckpointManifest(path));
  for (const CheckpointFile& file : manifest.files()) QH_RETURN_IF_ERROR(VerifyFile(path, file));
  return manifest;
}

absl::Status ReadWeights(const std::string& path, bool all_required, LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  for (const StateArray& array : model.State()) {
    if (!all_required && !file.Contains(array.name)) continue;
    if (array.integer == nullptr) {
      QH_RETURN_IF_ERROR(ReadFloats(file, array, model.memory()));
      continue;
    }
    QH_RETURN_IF_ERROR(CheckArray(path, array.name, file.Find(array.name), array.dims));
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> value, file.ReadAsInt64(array.name));
    *array.integer = value[0];
  }
  return absl::OkStatus();
}

absl::StatusOr<RunPosition> ReadCheckpoint(const CheckpointSubject& s, const std::string& path) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, ReadCheckpointManifest(path));
  QH_RETURN_IF_ERROR(CheckIsOfStore(path, manifest, s.store));
  const Files files(path, manifest);
  QH_ASSIGN_OR_RETURN(const std::string weights, files.Find(kWeightsFile));
  QH_RETURN_IF_ERROR(ReadWeights(weights, /*all_required=*/true, s.model));
  const RunPosition& position = manifest.position();
  if (s.adam != nullptr) {
    QH_ASSIGN_OR_RETURN(const std::string optimizer, files.Find(kOptimizerFile));
    QH_RETURN_IF_ERROR(ReadArrays(optimizer, OptimizerState(s.model, *s.adam), s.model.memory()));
    s.adam->num_steps() = position.step() - position.skipped_steps();
  }
  if (s.model.codebook() != nullptr)
    QH_RETURN_IF_ERROR(ReadCodebook(s, files, position.codebook_started()));
  return position;
}

}  // namespace quadhop
