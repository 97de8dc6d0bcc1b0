#include "core/store/store.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store_files.h"

namespace quadhop {
namespace {

absl::Status Interrupted(const std::string& path) {
  const std::string next_path = absl::StrCat(path, "/", kNextManifestName);
  const absl::StatusOr<StoreManifest> next = ReadManifest(next_path);
  const absl::StatusOr<StoreManifest> present =
      ReadManifest(absl::StrCat(path, "/", kStoreManifestName));
  std::string command = "prep";
  if (next.ok()) {
    for (const Provenance& step : next->provenance()) {
      const Provenance* before = present.ok() ? FindStep(*present, step.step()) : nullptr;
      if (before != nullptr && before->SerializeAsString() == step.SerializeAsString()) continue;
      if (step.step() == "import") break;  // by itself it would need its input again
      command = absl::StrCat(step.step(), " --store ", path, "` (it was run with ", step.options(),
                             ") or `quadhop prep");
    }
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": a step was interrupted while its files were being renamed (",
                   kNextManifestName, " is there); `quadhop ", command, "` finishes it"));
}

// Checks that the file is there with its size, and that its checksums are those recorded.
absl::StatusOr<FileChecksums> CheckPresent(const std::string& folder, const StoreFile& file) {
  const std::string path = absl::StrCat(folder, "/", file.name());
  const absl::StatusOr<int64_t> bytes = FileBytes(path);
  if (!bytes.ok())
    return absl::DataLossError(absl::StrCat(bytes.status().message(),
                                            "; the manifest lists it: ", RemedyFor(file.name())));
  if (*bytes != file.bytes())
    return absl::DataLossError(absl::StrCat(path, ": has ", *bytes, " bytes, the manifest says ",
                                            file.bytes(), "; ", RemedyFor(file.name())));
  const std::string sidecar = path + ".xxh3";
  const absl::StatusOr<std::string> text = ReadRegularFile(sidecar);
  if (!text.ok())
    return absl::DataLossError(absl::StrCat(text.status().message(), "; ", RemedyFor(file.name())));
  if (HexOf(Xxh3(text->data(), text->size())) != file.sidecar_xxh3())
    return absl::DataLossError(absl::StrCat(
        sidecar, ": differs from what the manifest says (checksum); ", RemedyFor(file.name())));
  QH_ASSIGN_OR_RETURN(FileChecksums checksums, FileChecksums::FromText(*text, sidecar));
  if (checksums.file_bytes != file.bytes())
    return absl::DataLossError(absl::StrCat(sidecar, ": is for ", checksums.file_bytes,
                                            " bytes, the manifest says ", file.bytes(), "; ",
                                            RemedyFor(file.name())));
  return checksums;
}

// Checks an array of the store against the manifest.
absl::Status CheckArray(const NpyFile& array, absl::Span<const DType> dtypes,
                        const std::vector<int64_t>& dims) {
  const NpyHeader& header = array.header();
  if (std::find(dtypes.begin(), dtypes.end(), header.dtype) != dtypes.end() &&
      header.dims == dims && !header.fortran_order)
    return absl::OkStatus();
  const std::string allowed = absl::StrJoin(
      dtypes, " or ", [](std::string* out, DType d) { absl::StrAppend(out, DTypeName(d)); });
  return absl::DataLossError(absl::StrCat(
      array.file().path(), ": is ", DTypeName(header.dtype), " [", absl::StrJoin(header.dims, ", "),
      "]", header.fortran_order ? " in Fortran order" : "", ", but by the manifest it must be ",
      allowed, " [", absl::StrJoin(dims, ", "), "]; make the store again"));
}

// Hints only: reading works on a file system that ignores them, too.
void Advise(const NpyFile& array, int advice) {
  const absl::Span<const uint8_t> bytes = array.file().bytes();
  if (!bytes.empty()) (void)madvise(const_cast<uint8_t*>(bytes.data()), bytes.size(), advice);
}

}  // namespace

const char* PartName(SplitPart part) {
  switch (part) {
    case SplitPart::kTrain:
      return "train";
    case SplitPart::kValid:
      return "valid";
    case SplitPart::kTest:
      return "test";
    default:
      return "none";
  }
}

Store::Store() : files_(std::make_unique<Files>()) {}
Store::~Store() = default;

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path,
                                                   absl::Span<const absl::string_view> may_lack) {
  QH_ASSIGN_OR_RETURN(const bool is_there, IsPresent(path));
  if (!is_there)
    return absl::NotFoundError(
        absl::StrCat(path, ": no such store; `quadhop prep --from GRAPH --store ", path,
                     "` makes one to train on, `quadhop import` one to run the steps one by one"));
  if (FileExists(absl::StrCat(path, "/", kNextManifestName))) return Interrupted(path);
  const std::string manifest_path = absl::StrCat(path, "/", kStoreManifestName);
  QH_ASSIGN_OR_RETURN(const bool has_manifest, IsPresent(manifest_path));
  if (!has_manifest)
    return absl::NotFoundError(
        absl::StrCat(path, ": is not a store: it has no ", kStoreManifestName));
  std::unique_ptr<Store> store(new Store);
  store->path_ = path;
  QH_ASSIGN_OR_RETURN(store->manifest_, ReadManifest(manifest_path));
  std::vector<std::string> lacking;
  for (const StoreFile& file : store->manifest_.files()) {
    absl::StatusOr<FileChecksums> checksums = CheckPresent(path, file);
    if (checksums.ok()) {
      store->files_->checksums[file.name()] = *std::move(checksums);
    } else if (std::find(may_lack.begin(), may_lack.end(), file.name()) != may_lack.end()) {
      lacking.push_back(file.name());
    } else {
      return checksums.status();
    }
  }
  for (const std::string& name : lacking) LeaveOut(store->manifest_, name);
  return store;
}

BlockRange Store::PartitionNodes(PartitionId p) const {
  QH_CHECK_LE(0, p.value());
  QH_CHECK_LT(p.value(), num_partitions());
  return {manifest_.partition_offsets(p.value()), manifest_.partition_offsets(p.value() + 1)};
}

const Provenance* Store::FindStep(absl::string_view step) const {
  return quadhop::FindStep(manifest_, step);
}

bool Store::HasFile(absl::string_view name) const { return FindFile(manifest_, name) != nullptr; }

absl::StatusOr<const NpyFile*> Store::array(absl::string_view name) const {
  if (!HasFile(name)) {
    const absl::string_view maker = StepOfFile(name);
    return absl::FailedPreconditionError(
        FindStep(maker) == nullptr
            ? absl::StrCat(path_, ": has no ", name, " yet; `quadhop ", maker, " --store ", path_,
                           "` makes it")
            : absl::StrCat(path_, ": has no ", name, ": there was none in the input of `quadhop ",
                           maker, "`; run it again with labels and splits (", maker, " --help)"));
  }
  std::lock_guard<std::mutex> lock(files_->mutex);
  std::unique_ptr<NpyFile>& array = files_->arrays[name];
  if (array == nullptr) {
    QH_ASSIGN_OR_RETURN(NpyFile opened, NpyFile::Open(absl::StrCat(path_, "/", name)));
    array = std::make_unique<NpyFile>(std::move(opened));
    if (name == "features.npy") Advise(*array, MADV_RANDOM);
    if (name == "indptr.npy") Advise(*array, MADV_WILLNEED);
  }
  return array.get();
}

absl::StatusOr<Topology> Store::topology() const {
  QH_ASSIGN_OR_RETURN(const NpyFile* indptr, array("indptr.npy"));
  QH_ASSIGN_OR_RETURN(const NpyFile* indices, array("indices.npy"));
  QH_RETURN_IF_ERROR(CheckArray(*indptr, {DType::kI64}, {num_nodes() + 1}));
  QH_RETURN_IF_ERROR(CheckArray(*indices, {DType::kU32, DType::kI64}, {manifest_.arcs()}));
  Topology topology;
  topology.indptr = indptr->values<int64_t>();
  if (topology.indptr.front() != 0 || topology.indptr.back() != manifest_.arcs())
    return absl::DataLossError(absl::StrCat(indptr->file().path(), ": goes from ",
                                            topology.indptr.front(), " to ", topology.indptr.back(),
                                            ", must go from 0 to the number of arcs, ",
                                            manifest_.arcs(), "; make the store again"));
  if (indices->header().dtype == DType::kU32)
    topology.indices32 = indices->values<uint32_t>();
  else
    topology.indices64 = indices->values<int64_t>();
  return topology;
}

absl::StatusOr<FeatureTable> Store::features() const {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, array("features.npy"));
  QH_ASSIGN_OR_RETURN(const DType dtype, ParseDType(manifest_.feature_dtype()));
  FeatureTable table;
  table.dtype = dtype;
  table.num_nodes = num_nodes();
  table.hops_and_self = 1 + manifest_.hops();
  table.width = manifest_.features();
  if (FeaturesHoldEncodings(manifest_)) table.width += manifest_.pos_enc_width();
  const DType on_disk = dtype == DType::kBF16 ? DType::kU16 : dtype;
  QH_RETURN_IF_ERROR(
      CheckArray(*file, {on_disk}, {table.num_nodes, table.hops_and_self, table.width}));
  table.data = file->data();
  return table;
}

absl::StatusOr<absl::Span<const int32_t>> Store::labels() const {
  if (manifest_.multi_label())
    return absl::FailedPreconditionError(
        absl::StrCat(path_, ": its labels are multi-label, one label per node is needed"));
  QH_ASSIGN_OR_RETURN(const NpyFile* file, array("labels.npy"));
  QH_RETURN_IF_ERROR(CheckArray(*file, {DType::kI32}, {num_nodes()}));
  return file->values<int32_t>();
}

absl::StatusOr<absl::Span<const uint8_t>> Store::multi_labels() const {
  if (!manifest_.multi_label())
    return absl::FailedPreconditionError(
        absl::StrCat(path_, ": has one label per node, multi-label targets are needed"));
  QH_ASSIGN_OR_RETURN(const NpyFile* file, array("labels.npy"));
  QH_RETURN_IF_ERROR(CheckArray(*file, {DType::kU8}, {num_nodes(), manifest_.classes()}));
  return file->values<uint8_t>();
}

std::string Store::DefaultSplit() const {
  const auto& names = manifest_.split_names();
  return names.empty() ? "" : *std::min_element(names.begin(), names.end());
}

absl::StatusOr<absl::Span<const uint8_t>> Store::split(absl::string_view name) const {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, array("splits.npy"));
  const auto& names = manifest_.split_names();
  const int64_t num_splits = names.size();
  QH_RETURN_IF_ERROR(CheckArray(*file, {DType::kU8}, {num_splits, num_nodes()}));
  const std::string wanted = name.empty() ? DefaultSplit() : std::string(name);
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found == names.end())
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ": has no split '", wanted,
                     "'; it has: ", names.empty() ? "none" : absl::StrJoin(names, ", ")));
  const size_t n = static_cast<size_t>(num_nodes());
  return file->values<uint8_t>().subspan(static_cast<size_t>(found - names.begin()) * n, n);
}

absl::StatusOr<TensorView<const float>> Store::pos_enc() const {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, array("pos_enc.npy"));
  QH_RETURN_IF_ERROR(CheckArray(*file, {DType::kF32}, {num_nodes(), manifest_.pos_enc_width()}));
  return TensorView<const float>(file->values<float>().data(),
                                 {num_nodes(), manifest_.pos_enc_width()});
}

absl::StatusOr<absl::Span<const int64_t>> Store::original_ids() const {
  QH_ASSIGN_OR_RETURN(const NpyFile* file, array("original_ids.npy"));
  QH_RETURN_IF_ERROR(CheckArray(*file, {DType::kI64}, {num_nodes()}));
  return file->values<int64_t>();
}

}  // namespace quadhop
