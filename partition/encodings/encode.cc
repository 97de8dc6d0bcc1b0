#include "partition/encodings/encode.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>

#include <memory>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/memory/host_memory.h"
#include "core/store/manifest.h"
#include "core/store/topology.h"
#include "partition/encodings/encoder.h"
#include "partition/encodings/encoding_file.h"
#include "partition/encodings/link_auc.h"
#include "partition/linear_algebra/standardize.h"
#include "partition/steps/moments_file.h"
#include "partition/steps/node_keys.h"
#include "partition/steps/provenance.h"
#include "partition/steps/store_step.h"

namespace quadhop {
namespace {

absl::Status CheckOptions(const EncodeOptions& options) {
  if (options.method == "file") {
    if (options.file.empty())
      return absl::InvalidArgumentError("method file needs the name of an .npy file (--file)");
    return absl::OkStatus();
  }
  QH_RETURN_IF_ERROR(FindEncoder(options.method).status());
  if (options.dim < 1 || options.dim > kMaxEncodingWidth)
    return absl::InvalidArgumentError(
        absl::StrCat("dim is ", options.dim, ": it must be 1 to ", kMaxEncodingWidth));
  return absl::OkStatus();
}

// Whether columns are standardised as those of the store that `store` is like.
bool IsLikeAnother(const Store& store, const std::string& options_text) {
  return store.manifest().encodings_like() == options_text;
}

// By which columns are standardised.
absl::StatusOr<ColumnMoments> MomentsFor(TensorView<const float> columns,
                                         const std::string& options_text, const Store& store,
                                         ThreadPool& pool) {
  if (!IsLikeAnother(store, options_text)) return MeasureColumns(columns, pool);
  QH_ASSIGN_OR_RETURN(ColumnMoments moments, ReadMoments(store, kLikeEncodingMomentsFile));
  if (static_cast<int64_t>(moments.mean.size()) == columns.dim(1)) return moments;
  return absl::DataLossError(absl::StrCat(store.path(), "/", kLikeEncodingMomentsFile, " is of ",
                                          moments.mean.size(), " columns, but the encodings have ",
                                          columns.dim(1), ": run `quadhop import --like` again"));
}

// What is to be said of the scale of encodings by `method`.
std::string NoteOnScale(const EncodingMethod& method, const std::string& options_text,
                        const Store& store) {
  const std::string& other = store.manifest().encodings_like();
  if (other.empty() || IsLikeAnother(store, options_text) || !method.keeps_axes) return "";
  return absl::StrCat(
      "scaled by the store's own nodes, because the encodings of the store that it ",
      "is like have other options: ", other);
}

}  // namespace

std::string EncodeReport::Describe() const {
  return absl::StrFormat("%s, link AUC %.3f%s", options, link_auc,
                         note.empty() ? "" : absl::StrCat("\nnote: ", note));
}

absl::StatusOr<std::string> EncodeOptions::ToString() const {
  if (method != "file")
    return absl::StrCat("method=", method, " dim=", dim, " seed=", seed, " keys=names");
  QH_ASSIGN_OR_RETURN(const MappedFile content, MappedFile::Open(file));
  return absl::StrCat("method=file xxh3=",
                      HexOf(Xxh3(content.bytes().data(), content.bytes().size())));
}

std::string MethodOf(absl::string_view options) {
  absl::ConsumePrefix(&options, "method=");
  return std::string(options.substr(0, options.find(' ')));
}

absl::StatusOr<EncodeReport> EncodeStore(const std::string& path, const EncodeOptions& options,
                                         ThreadPool& pool) {
  QH_RETURN_IF_ERROR(CheckOptions(options));
  QH_ASSIGN_OR_RETURN(const std::string options_text, options.ToString());
  QH_ASSIGN_OR_RETURN(const auto step, BeginStep(path, kDerivedFiles, options.on_commit));
  const auto& [writer, store] = step;
  if (!options.verified) {
    QH_RETURN_IF_ERROR(store->VerifyFiles(
        {"indptr.npy", "indices.npy", "original_ids.npy", kOriginalNames}, pool));
    if (IsLikeAnother(*store, options_text))
      QH_RETURN_IF_ERROR(store->VerifyFiles({kLikeEncodingMomentsFile}, pool));
  }
  const int64_t num_nodes = store->num_nodes();
  QH_ASSIGN_OR_RETURN(const int64_t memory_bytes, MemoryBudget(options.memory_bytes));
  const EncodingMethod* method = nullptr;  // or the file
  NpyFile file;
  int64_t dim = options.dim;
  if (options.method == "file") {
    QH_ASSIGN_OR_RETURN(file, OpenEncodingFile(options.file, num_nodes));
    dim = file.header().dims[1];
  } else {
    QH_ASSIGN_OR_RETURN(method, FindEncoder(options.method));
    QH_RETURN_IF_ERROR(CheckMemory(absl::StrCat("encode by ", options.method),
                                   method->needs(num_nodes, dim).least_bytes, memory_bytes));
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> data,
                      writer->AddArray("pos_enc.npy", DType::kF32, {num_nodes, dim}));
  const TensorView<float> out(reinterpret_cast<float*>(data.data()), {num_nodes, dim});
  QH_ASSIGN_OR_RETURN(const Topology topology, store->topology());
  EncodeReport report;
  report.options = options_text;
  if (method == nullptr) {
    QH_RETURN_IF_ERROR(ReadEncodingFile(file, *store, pool, out));
  } else {
    QH_ASSIGN_OR_RETURN(absl::Span<const int64_t> keys, store->original_ids());
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> of_names, KeysOfNodes(*store));
    if (!of_names.empty()) keys = of_names;
    QH_RETURN_IF_ERROR(method->encode({topology, store->manifest().directed(), keys, options.seed,
                                       memory_bytes, path, pool, &report.note, options.on_progress},
                                      out));
    QH_ASSIGN_OR_RETURN(const ColumnMoments moments, MomentsFor(out, options_text, *store, pool));
    StandardizeColumns(out, moments, pool);
    QH_RETURN_IF_ERROR(AddMoments(kEncodingMomentsFile, moments, *writer));
    if (report.note.empty()) report.note = NoteOnScale(*method, options_text, *store);
  }
  Tell(options.on_progress, "measures link AUC");
  report.link_auc = LinkAuc(topology, out, options.seed);
  // What was made from the earlier encodings is not valid any more.
  if (method == nullptr) LeaveOut(writer->manifest(), kEncodingMomentsFile);
  if (FeaturesHoldEncodings(store->manifest())) LeaveOut(writer->manifest(), "features.npy");
  writer->manifest().set_pos_enc_width(static_cast<int32_t>(dim));
  QH_RETURN_IF_ERROR(
      writer->Commit(MakeProvenance(PrepStep::kEncode, options_text, report.note), pool));
  return report;
}

}  // namespace quadhop
