#include "model/checkpoint.h"

#include <absl/strings/match.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>
#include <fcntl.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <utility>
#include <vector>

#include "core/checksum.h"
#include "core/file.h"
#include "core/npy.h"
#include "core/status.h"
#include "model/safetensors.h"

namespace quadhop {
namespace {

constexpr int32_t kCheckpointVersion = 1;
constexpr char kManifest[] = "checkpoint.textproto";
constexpr char kWeights[] = "weights.safetensors";
constexpr char kOptimizer[] = "optimizer.safetensors";
constexpr char kCandidates[] = "candidates.safetensors";

std::string CodesName(int32_t partition) { return absl::StrFormat("codes-%05d.npy", partition); }

std::string TextOf(const CheckpointManifest& manifest) {
  std::string text;
  QH_CHECK(google::protobuf::TextFormat::PrintToString(manifest, &text));
  return text;
}

std::string ChecksumOf(CheckpointManifest manifest) {
  manifest.clear_checksum();
  const std::string text = TextOf(manifest);
  return HexOf(Xxh3(text.data(), text.size()));
}

absl::StatusOr<CheckpointFile> Describe(const std::string& folder, const std::string& name) {
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(folder + "/" + name));
  CheckpointFile described;
  described.set_name(name);
  described.set_bytes(static_cast<int64_t>(file.bytes().size()));
  described.set_xxh3(HexOf(Xxh3(file.bytes().data(), file.bytes().size())));
  return described;
}

absl::Status WriteWeights(LargeGT& model, const std::string& path) {
  std::vector<NamedTensor> tensors;
  for (const StateArray& array : model.State()) {
    const bool scalar = array.integer != nullptr;
    tensors.push_back({array.name, scalar ? DType::kI64 : DType::kF32, array.dims,
                       scalar ? static_cast<const void*>(array.integer) : array.floats.data()});
  }
  return WriteSafetensors(path, tensors, {{"format", "pt"}});
}

// visit(name, dims, values) for each moment of each trained parameter.
template <typename Visit>
void ForEachMoment(LargeGT& model, Adam& adam, const Visit& visit) {
  for (const auto& [prefix, moment] : {std::pair("exp_avg.", adam.first_moment()),
                                       std::pair("exp_avg_sq.", adam.second_moment())}) {
    for (const Parameter& p : model.parameters().parameters()) {
      if (p.group == GradientGroup::kUnused) continue;
      visit(prefix + p.name, p.dims, TensorView<float>(moment.data() + p.offset, {p.size}));
    }
  }
}

absl::Status WriteOptimizer(LargeGT& model, Adam& adam, const std::string& path) {
  std::vector<NamedTensor> tensors;
  ForEachMoment(model, adam,
                [&](std::string name, const std::vector<int64_t>& dims, TensorView<float> values) {
                  tensors.push_back({std::move(name), DType::kF32, dims, values.data()});
                });
  return WriteSafetensors(path, tensors, {});
}

// The codes of partition p, which this rank owns.
absl::Span<int16_t> CodesOf(const CheckpointSubject& s, int32_t p) {
  const auto offset = [&](int32_t i) { return s.partition_offsets[static_cast<size_t>(i)]; };
  const int64_t first = offset(s.owners.first[static_cast<size_t>(s.comm.rank().value())]);
  return s.model.codebook()->codes().subspan(static_cast<size_t>(offset(p) - first),
                                             static_cast<size_t>(offset(p + 1) - offset(p)));
}

// All ranks agree on whether all succeeded; the first failing rank's message is not carried over,
// its own is returned there.
absl::Status AgreeOn(Communicator& comm, absl::string_view operation, const absl::Status& mine) {
  const uint8_t ok = mine.ok() ? 1 : 0;
  std::vector<uint8_t> all(static_cast<size_t>(comm.num_ranks()));
  const std::vector<int64_t> sizes(all.size(), 1);
  QH_RETURN_IF_ERROR(
      comm.AllGatherV(operation, absl::MakeConstSpan(&ok, 1), sizes, absl::MakeSpan(all)));
  if (!mine.ok()) return mine;
  const auto failed = std::find(all.begin(), all.end(), uint8_t{0});
  if (failed == all.end()) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(operation, " failed on rank ", failed - all.begin()));
}

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

bool IsCollecting(const CheckpointSubject& s) {
  return s.model.codebook() != nullptr && !s.model.codebook()->started();
}

absl::Status WriteCandidates(const Codebook::Candidates& candidates, int64_t width,
                             const std::string& path) {
  const int64_t n = candidates.size();
  return WriteSafetensors(path,
                          {{"keys", DType::kI64, {n, 2}, candidates.keys.data()},
                           {"queries", DType::kF32, {n, width}, candidates.queries.data()}},
                          {});
}

absl::StatusOr<Codebook::Candidates> ReadCandidates(const std::string& path, int64_t width) {
  Codebook::Candidates candidates;
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  QH_ASSIGN_OR_RETURN(candidates.keys, file.ReadAsInt64("keys"));
  QH_RETURN_IF_ERROR(CheckArray(path, "queries", file.Find("queries"), {candidates.size(), width}));
  QH_ASSIGN_OR_RETURN(candidates.queries, file.ReadAsFloat("queries"));
  return candidates;
}

// candidates: of all ranks.
absl::Status WriteOwnFiles(const CheckpointSubject& s, const Codebook::Candidates& candidates,
                           const std::string& folder) {
  if (s.comm.rank() == Rank(0)) {
    QH_RETURN_IF_ERROR(WriteWeights(s.model, folder + "/" + kWeights));
    if (s.adam != nullptr)
      QH_RETURN_IF_ERROR(WriteOptimizer(s.model, *s.adam, folder + "/" + kOptimizer));
    if (IsCollecting(s)) {
      QH_RETURN_IF_ERROR(
          WriteCandidates(candidates, s.model.options().dims.query(), folder + "/" + kCandidates));
    }
  }
  if (s.model.codebook() == nullptr) return absl::OkStatus();
  const auto rank = static_cast<size_t>(s.comm.rank().value());
  for (int32_t p = s.owners.first[rank]; p < s.owners.first[rank + 1]; ++p) {
    const absl::Span<const int16_t> codes = CodesOf(s, p);
    const int64_t dims[] = {static_cast<int64_t>(codes.size())};
    QH_RETURN_IF_ERROR(WriteNpy(folder + "/" + CodesName(p), DType::kI16, dims, codes.data()));
  }
  return absl::OkStatus();
}

absl::Status WriteManifest(const CheckpointSubject& s, const RunPosition& position,
                           const std::string& folder) {
  CheckpointManifest manifest;
  manifest.set_format_version(kCheckpointVersion);
  *manifest.mutable_position() = position;
  manifest.mutable_position()->set_codebook_started(s.model.codebook() != nullptr &&
                                                    s.model.codebook()->started());
  manifest.set_store(s.store);
  manifest.set_partitions(s.owners.num_partitions());
  std::vector<std::string> names = {kWeights};
  if (s.adam != nullptr) names.push_back(kOptimizer);
  if (IsCollecting(s)) names.push_back(kCandidates);
  for (int32_t p = 0; s.model.codebook() != nullptr && p < s.owners.num_partitions(); ++p)
    names.push_back(CodesName(p));
  for (const std::string& name : names) {
    QH_ASSIGN_OR_RETURN(*manifest.add_files(), Describe(folder, name));
  }
  manifest.set_checksum(ChecksumOf(manifest));
  return WriteFileAtomically(folder + "/" + kManifest, TextOf(manifest));
}

// Puts the finished folder in the place of what was there: at once where the file system can
// exchange two folders, else in two steps.
absl::Status Replace(const std::string& from, const std::string& to) {
  std::error_code ignored;
  if (!FileExists(to)) return RenameFile(from, to);
  const std::filesystem::path parent = std::filesystem::path(to).parent_path();
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    QH_RETURN_IF_ERROR(FsyncDirectory(parent.empty() ? "." : parent.string()));
    std::filesystem::remove_all(from, ignored);
    return absl::OkStatus();
  }
  const std::string old = to + ".old";
  std::filesystem::remove_all(old, ignored);
  QH_RETURN_IF_ERROR(RenameFile(to, old));
  const absl::Status renamed = RenameFile(from, to);
  if (!renamed.ok()) {
    QH_RETURN_IF_ERROR(RenameFile(old, to));
    return renamed;
  }
  std::filesystem::remove_all(old, ignored);
  return absl::OkStatus();
}

absl::Status ReadInto(const SafetensorsFile& file, const std::string& name,
                      const std::vector<int64_t>& dims, TensorView<float> out) {
  QH_RETURN_IF_ERROR(CheckArray(file.path(), name, file.Find(name), dims));
  QH_ASSIGN_OR_RETURN(const std::vector<float> values, file.ReadAsFloat(name));
  std::copy(values.begin(), values.end(), out.data());
  return absl::OkStatus();
}

absl::Status ReadOptimizer(const std::string& path, LargeGT& model, Adam& adam) {
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  absl::Status status;
  ForEachMoment(
      model, adam,
      [&](const std::string& name, const std::vector<int64_t>& dims, TensorView<float> values) {
        if (status.ok()) status = ReadInto(file, name, dims, values);
      });
  return status;
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

}  // namespace

absl::Status WriteCheckpoint(const CheckpointSubject& s, const RunPosition& position,
                             const std::string& path) {
  const std::string folder = path + ".tmp";
  const bool main = s.comm.rank() == Rank(0);
  absl::Status status;
  if (main) {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    status = MakeDirectories(folder);
  }
  QH_RETURN_IF_ERROR(AgreeOn(s.comm, "begin checkpoint", status));
  Codebook::Candidates candidates;
  if (IsCollecting(s)) {
    QH_ASSIGN_OR_RETURN(candidates, s.model.codebook()->GatherCandidates(s.comm));
  }
  QH_RETURN_IF_ERROR(AgreeOn(s.comm, "write checkpoint", WriteOwnFiles(s, candidates, folder)));
  if (main) {
    status = WriteManifest(s, position, folder);
    if (status.ok()) status = FsyncDirectory(folder);
    if (status.ok()) status = Replace(folder, path);
  }
  return AgreeOn(s.comm, "finish checkpoint", status);
}

absl::StatusOr<CheckpointManifest> VerifyCheckpoint(const std::string& path) {
  const std::string name = path + "/" + kManifest;
  QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(name, int64_t{64} << 20));
  CheckpointManifest manifest;
  if (!google::protobuf::TextFormat::ParseFromString(text, &manifest))
    return absl::DataLossError(absl::StrCat(name, " is not a checkpoint's manifest"));
  if (manifest.checksum() != ChecksumOf(manifest) || TextOf(manifest) != text)
    return absl::DataLossError(absl::StrCat(name, " is damaged: it does not have its checksum"));
  if (manifest.format_version() != kCheckpointVersion)
    return absl::FailedPreconditionError(
        absl::StrCat(name, " has format version ", manifest.format_version(),
                     "; this quadhop reads version ", kCheckpointVersion));
  for (const CheckpointFile& file : manifest.files()) {
    QH_ASSIGN_OR_RETURN(const CheckpointFile found, Describe(path, file.name()));
    if (found.bytes() != file.bytes() || found.xxh3() != file.xxh3())
      return absl::DataLossError(absl::StrCat(
          path, "/", file.name(), " is damaged: ", found.bytes(), " bytes with checksum ",
          found.xxh3(), "; the manifest says ", file.bytes(), " with ", file.xxh3()));
  }
  return manifest;
}

absl::Status ReadWeights(const std::string& path, bool all_required, LargeGT& model) {
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  for (const StateArray& array : model.State()) {
    if (!all_required && !file.Contains(array.name)) continue;
    if (array.integer == nullptr) {
      QH_RETURN_IF_ERROR(ReadInto(file, array.name, array.dims, array.floats));
      continue;
    }
    QH_RETURN_IF_ERROR(CheckArray(path, array.name, file.Find(array.name), array.dims));
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> value, file.ReadAsInt64(array.name));
    *array.integer = value[0];
  }
  return absl::OkStatus();
}

absl::StatusOr<RunPosition> ReadCheckpoint(const CheckpointSubject& s, const std::string& path) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, VerifyCheckpoint(path));
  if (manifest.store() != s.store)
    return absl::FailedPreconditionError(absl::StrCat(path, " is of a store with checksum ",
                                                      manifest.store(), "; this one has ", s.store,
                                                      ": was it prepared again?"));
  QH_RETURN_IF_ERROR(ReadWeights(path + "/" + kWeights, /*all_required=*/true, s.model));
  if (s.adam != nullptr) {
    QH_RETURN_IF_ERROR(ReadOptimizer(path + "/" + kOptimizer, s.model, *s.adam));
    s.adam->num_steps() = manifest.position().step();
  }
  if (Codebook* book = s.model.codebook()) {
    const auto rank = static_cast<size_t>(s.comm.rank().value());
    for (int32_t p = s.owners.first[rank]; p < s.owners.first[rank + 1]; ++p) {
      QH_RETURN_IF_ERROR(
          ReadCodes(path + "/" + CodesName(p), CodesOf(s, p), s.model.options().dims.centroids));
    }
    const bool started = manifest.position().codebook_started();
    Codebook::Candidates candidates;
    if (!started) {
      QH_ASSIGN_OR_RETURN(candidates,
                          ReadCandidates(path + "/" + kCandidates, s.model.options().dims.query()));
    }
    book->RestoreCandidates(s.comm.rank(), std::move(candidates));
    QH_RETURN_IF_ERROR(book->StateChanged(s.comm, started));
  }
  return manifest.position();
}

absl::Status ExportWeights(const std::string& checkpoint, absl::Span<const int64_t> original_ids,
                           const std::string& out) {
  QH_ASSIGN_OR_RETURN(const CheckpointManifest manifest, VerifyCheckpoint(checkpoint));
  QH_ASSIGN_OR_RETURN(const SafetensorsFile weights,
                      SafetensorsFile::Open(checkpoint + "/" + kWeights));
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
