#include "partition/import/formats/unrecognised.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "partition/import/arrays/mat_file.h"
#include "partition/import/arrays/named_arrays.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/foreign_formats.h"
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

absl::Status WhyFolderUnrecognised(const std::string& from) {
  if (IsStoreFolder(from))
    return absl::InvalidArgumentError(absl::StrCat(
        from, " is a store already: other commands take it as --store ", from,
        "; to import again, give --from what it was made from, as quadhop inspect says"));
  const auto has = [&from](absl::string_view file) {
    return FileExists(absl::StrCat(from, "/", file)) ||
           FileExists(absl::StrCat(from, "/", file, ".gz"));
  };
  for (const char* file : {"num-node-dict.csv", "raw/num-node-dict.csv"})
    if (has(file))
      return absl::InvalidArgumentError(
          absl::StrCat(from, " has several kinds of nodes (", file, "); a store has one kind"));
  if (has("edge.csv") || has("edge_index.npy") || has("data.npz"))
    return absl::InvalidArgumentError(
        absl::StrCat(from, " is the raw folder of a data set: give the folder that it is in"));
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListFolder(from));
  std::set<std::string> planetoid;  // ind.NAME
  for (const std::string& file : files) {
    const std::vector<std::string> parts = absl::StrSplit(file, '.');
    if (parts.size() == 3 && parts[0] == "ind" && parts[2] == "graph")
      planetoid.insert(absl::StrCat("ind.", parts[1]));
  }
  if (planetoid.size() > 1)
    return absl::InvalidArgumentError(absl::StrCat(from, " holds ", absl::StrJoin(planetoid, ", "),
                                                   ": name one, as ", from, "/",
                                                   *planetoid.begin()));
  return absl::OkStatus();
}

}  // namespace

absl::Status WhyUnrecognised(const std::string& from) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(from, error);
  if (!std::filesystem::exists(status)) return absl::OkStatus();
  if (std::filesystem::is_directory(status)) return WhyFolderUnrecognised(from);
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
  QH_RETURN_IF_ERROR(CheckNotForeign(from));
  if (IsTorchName(from)) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<PygFile> file, PygFile::Open(from));
    return Holds(from, file->arrays().names,
                 "needed: edge_index, in a dict or in a Data of PyTorch Geometric; of a sparse "
                 "adj_t it is torch.stack(adj_t.t().coo()[:2])");
  }
  if (absl::EndsWith(from, ".npz") || absl::StartsWith(head, "PK")) {
    QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(from, 0));
    return Holds(from, npz.names(),
                 "needed: edge_index or edges; adj_indptr or adj_matrix; or what "
                 "scipy.sparse.save_npz writes");
  }
  if (absl::EndsWith(from, ".mat") || absl::StartsWith(head, "MATLAB")) {
    QH_ASSIGN_OR_RETURN(const MatFile mat, MatFile::Open(from));
    return Holds(from, mat.names(), "needed: A, adj, edge_index, network or homo");
  }
  return ReadHeadLine(from, "#%").status();
}

}  // namespace quadhop
