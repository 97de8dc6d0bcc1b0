#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "core/store/store_files.h"

namespace quadhop {
namespace {

// VerifyChunks for a file of a store: the error also says what makes the file again.
absl::Status VerifyBytes(const MappedFile& file, const FileChecksums& checksums, int64_t begin,
                         int64_t end, ThreadPool& pool) {
  const absl::Status status = VerifyChunks(file.bytes(), checksums, begin, end, file.path(), pool);
  if (status.ok()) return status;
  const absl::string_view path = file.path();
  return absl::DataLossError(absl::StrCat(std::string(status.message()), ", or run `quadhop ",
                                          StepOfFile(path.substr(path.rfind('/') + 1)),
                                          "` or `quadhop prep` again"));
}

// Verifies elements [begin, end), counted in units of `unit` elements, of an array's data.
absl::Status VerifyElements(const NpyFile& array, const FileChecksums& checksums, BlockRange units,
                            int64_t unit, ThreadPool& pool) {
  const NpyHeader& header = array.header();
  const int64_t unit_bytes = unit * SizeOfDType(header.dtype);
  // Mapped again: the store's mapping may be advised for random reads, which would slow this one
  // down.
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(array.file().path()));
  return VerifyBytes(file, checksums, header.data_offset + units.begin * unit_bytes,
                     header.data_offset + units.end * unit_bytes, pool);
}

}  // namespace

absl::Status Store::VerifyAll(ThreadPool& pool) const {
  std::vector<absl::string_view> names;
  for (const StoreFile& entry : manifest_.files()) names.push_back(entry.name());
  return VerifyFiles(names, pool);
}

absl::Status Store::VerifyFiles(absl::Span<const absl::string_view> names, ThreadPool& pool) const {
  for (const StoreFile& entry : manifest_.files()) {
    if (std::find(names.begin(), names.end(), entry.name()) == names.end()) continue;
    QH_ASSIGN_OR_RETURN(const MappedFile file,
                        MappedFile::Open(absl::StrCat(path_, "/", entry.name())));
    QH_RETURN_IF_ERROR(
        VerifyBytes(file, files_->checksums.at(entry.name()), 0, entry.bytes(), pool));
  }
  return absl::OkStatus();
}

absl::Status Store::VerifyNodes(BlockRange nodes, ThreadPool& pool) const {
  for (const char* name :
       {"features.npy", "raw.npy", "labels.npy", "pos_enc.npy", "original_ids.npy"}) {
    if (!HasFile(name)) continue;
    QH_ASSIGN_OR_RETURN(const NpyFile* rows, array(name));
    const NpyHeader& header = rows->header();
    if (header.dims.empty() || header.dims[0] != num_nodes())
      return absl::DataLossError(absl::StrCat(
          rows->file().path(), ": does not have one row for each of ", num_nodes(), " nodes"));
    const int64_t row_size = num_nodes() == 0 ? 0 : header.size() / num_nodes();
    QH_RETURN_IF_ERROR(VerifyElements(*rows, files_->checksums.at(name), nodes, row_size, pool));
  }
  if (HasFile("splits.npy")) {
    QH_RETURN_IF_ERROR(split("").status());  // its shape
    QH_ASSIGN_OR_RETURN(const NpyFile* splits, array("splits.npy"));
    for (int64_t s = 0; s < manifest_.split_names_size(); ++s) {
      const BlockRange columns = {s * num_nodes() + nodes.begin, s * num_nodes() + nodes.end};
      QH_RETURN_IF_ERROR(
          VerifyElements(*splits, files_->checksums.at("splits.npy"), columns, 1, pool));
    }
  }
  QH_RETURN_IF_ERROR(VerifyLists(nodes, "indptr.npy", {"indices.npy"}, pool));
  return VerifyLists(nodes, "raw.indptr.npy", {"raw.indices.npy", "raw.values.npy"}, pool);
}

absl::Status Store::VerifyLists(BlockRange nodes, absl::string_view indptr_name,
                                std::initializer_list<absl::string_view> list_names,
                                ThreadPool& pool) const {
  if (!HasFile(indptr_name)) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const NpyFile* indptr_file, array(indptr_name));
  const NpyHeader& header = indptr_file->header();
  if (header.dtype != DType::kI64 || header.dims != std::vector<int64_t>{num_nodes() + 1})
    return absl::DataLossError(
        absl::StrCat(indptr_file->file().path(), ": must be i64 [", num_nodes() + 1, "]"));
  // The offsets are read only once they are known to be intact.
  QH_RETURN_IF_ERROR(VerifyElements(*indptr_file, files_->checksums.at(indptr_name),
                                    {nodes.begin, nodes.end + 1}, 1, pool));
  const absl::Span<const int64_t> indptr = indptr_file->values<int64_t>();
  const BlockRange items = {indptr[static_cast<size_t>(nodes.begin)],
                            indptr[static_cast<size_t>(nodes.end)]};
  for (const absl::string_view name : list_names) {
    QH_ASSIGN_OR_RETURN(const NpyFile* list, array(name));
    if (items.begin < 0 || items.begin > items.end || items.end > list->header().size())
      return absl::DataLossError(absl::StrCat(list->file().path(), ": has ", list->header().size(),
                                              " elements, but ", indptr_name, " has offsets ",
                                              items.begin, " to ", items.end));
    QH_RETURN_IF_ERROR(VerifyElements(*list, files_->checksums.at(name), items, 1, pool));
  }
  return absl::OkStatus();
}

}  // namespace quadhop
