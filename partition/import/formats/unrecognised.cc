#include "partition/import/formats/unrecognised.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/mat_file.h"
#include "partition/import/arrays/named_arrays.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/pyg_file.h"
#include "partition/import/text/number_lines.h"

namespace quadhop {
namespace {

absl::Status Holds(const std::string& from, std::vector<std::string> names,
                   absl::string_view needed) {
  return absl::InvalidArgumentError(
      absl::StrCat(from, " holds ", names.empty() ? "nothing" : ListOfNames(std::move(names)),
                   ", which is no known form of graph; ", needed));
}

}  // namespace

absl::Status WhyUnrecognised(const std::string& from) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(from, error);
  if (!std::filesystem::exists(status) || std::filesystem::is_directory(status))
    return absl::OkStatus();
  if (!std::filesystem::is_regular_file(status))
    return absl::InvalidArgumentError(
        absl::StrCat(from,
                     " is a pipe or a device, but inputs are read more than once: write it "
                     "to a file first; gzip is read as it is"));
  std::string head;
  {
    QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(from));
    const absl::Span<const uint8_t> bytes = file.bytes().subspan(0, 8);
    head.assign(bytes.begin(), bytes.end());
  }
  if (head.empty()) return absl::InvalidArgumentError(absl::StrCat(from, " is empty"));
  if (IsTorchName(from)) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<PygFile> file, PygFile::Open(from));
    return Holds(from, file->arrays().names,
                 "needed: edge_index, in a dict or in a Data of PyTorch Geometric");
  }
  if (absl::EndsWith(from, ".npz") || absl::StartsWith(head, "PK")) {
    QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(from, 0));
    return Holds(from, npz.names(),
                 "needed: edge_index or edges; adj_indptr or adj_matrix; or what "
                 "scipy.sparse.save_npz writes");
  }
  if (absl::EndsWith(from, ".mat") || absl::StartsWith(head, "MATLAB")) {
    QH_ASSIGN_OR_RETURN(const MatFile mat, MatFile::Open(from));
    return Holds(from, mat.names(), "needed: A, edge_index, network or homo");
  }
  return ReadHeadLine(from, "#%").status();
}

}  // namespace quadhop
