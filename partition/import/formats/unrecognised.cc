#include "partition/import/formats/unrecognised.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <filesystem>
#include <set>
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

// A format that is known, but not read.
struct Foreign {
  const char* ending;
  const char* name;
  const char* instead;
};

constexpr char kNetworkx[] =
    "read it in networkx and write its edges, networkx.write_edgelist(G, \"edges.csv\", "
    "delimiter=\",\", data=False), for --format edge-list, or with --nodes if nodes have names";
constexpr char kTable[] =
    "write its arcs as csv, two ids a line, and its nodes as a table for --nodes";
constexpr char kDgl[] =
    "numpy.savez(\"graph.npz\", edge_index=numpy.stack(g.edges()), x=g.ndata[\"feat\"], "
    "y=g.ndata[\"label\"]), with train_mask, val_mask and test_mask if it has them";

constexpr Foreign kForeign[] = {
    {".graphml", "GraphML", kNetworkx},
    {".gexf", "GEXF", kNetworkx},
    {".gml", "GML", kNetworkx},
    {".dot", "DOT", kNetworkx},
    {".g6", "graph6", kNetworkx},
    {".net", "Pajek's", kNetworkx},
    {".adjlist", "a list of neighbours", kNetworkx},
    {".gpickle", "a Python pickle", kNetworkx},
    {".pkl", "a Python pickle", kNetworkx},
    {".pickle", "a Python pickle", kNetworkx},
    {".json", "JSON", kTable},
    {".parquet", "Parquet", kTable},
    {".xlsx", "Excel's", kTable},
    {".bin", "DGL's, if dgl.save_graphs wrote it", kDgl},
};

absl::Status CheckForeign(const std::string& from) {
  const absl::string_view name = absl::StripSuffix(from, ".gz");
  for (const Foreign& foreign : kForeign)
    if (absl::EndsWithIgnoreCase(name, foreign.ending))
      return absl::InvalidArgumentError(absl::StrCat(from, " is in a format that is not read, ",
                                                     foreign.name, ": ", foreign.instead));
  return absl::OkStatus();
}

absl::Status WhyFolderUnrecognised(const std::string& from) {
  for (const char* file : {"num-node-dict.csv.gz", "raw/num-node-dict.csv.gz"})
    if (FileExists(absl::StrCat(from, "/", file)))
      return absl::InvalidArgumentError(
          absl::StrCat(from, " has several kinds of nodes (", file, "); a store has one kind"));
  if (FileExists(from + "/edge.csv.gz") || FileExists(from + "/edge_index.npy"))
    return absl::InvalidArgumentError(
        absl::StrCat(from, " is the raw folder of a data set: give the folder that it is in"));
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListFolder(from));
  std::set<std::string> planetoid;  // ind.NAME.x
  for (const std::string& file : files) {
    const std::vector<std::string> parts = absl::StrSplit(file, '.');
    if (parts.size() > 2 && parts[0] == "ind") planetoid.insert(absl::StrCat("ind.", parts[1]));
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
  QH_RETURN_IF_ERROR(CheckForeign(from));
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
    return Holds(from, mat.names(), "needed: A, edge_index, network or homo");
  }
  return ReadHeadLine(from, "#%").status();
}

}  // namespace quadhop
