#include "partition/import/formats/npz_adjacency.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"
#include "partition/import/formats/import_arcs.h"

namespace quadhop {
namespace {

absl::StatusOr<int64_t> ReadNodes(const NpzFile& npz, const std::string& name) {
  QH_ASSIGN_OR_RETURN(ArraySource shape, npz.Array(name));
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> dims, shape.ReadRest<int64_t>(1 << 20));
  if (dims.size() != 2)
    return ArrayError(shape.place(), absl::StrCat("of ", dims.size(), " numbers"),
                      "rows and columns are needed");
  if (dims[0] != dims[1] || dims[0] < 1)
    return ArrayError(shape.place(), absl::StrCat(dims[0], " x ", dims[1]),
                      "an adjacency is square, with at least one row");
  return dims[0];
}

// "csr", "csc" or "coo".
absl::StatusOr<std::string> ReadFormat(const NpzFile& npz, const std::string& prefix) {
  QH_ASSIGN_OR_RETURN(std::string format, npz.SparseFormat(prefix));
  if (format == "csr" || format == "csc" || format == "coo") return format;
  return ArrayError(absl::StrCat(npz.path(), ": ", NpzFile::Member(prefix, "format")),
                    absl::StrCat("\"", format, "\""),
                    "allowed: csr, csc, coo: save matrix.tocsr()");
}

// Whether the first entries say more than that they are there.
bool HasWeights(const NpzFile& npz, const std::string& prefix) {
  absl::StatusOr<ArraySource> data = npz.Array(NpzFile::Member(prefix, "data"));
  if (!data.ok()) return false;
  std::vector<double> first(static_cast<size_t>(std::min(kArrayBlock, data->size())));
  return data->Read(absl::MakeSpan(first)).ok() &&
         std::any_of(first.begin(), first.end(), [](double value) { return value != 1; });
}

}  // namespace

absl::StatusOr<AdjacencySize> MeasureNpzAdjacency(const NpzFile& npz, const std::string& prefix) {
  QH_ASSIGN_OR_RETURN(const std::string format, ReadFormat(npz, prefix));
  AdjacencySize size;
  QH_ASSIGN_OR_RETURN(size.nodes, ReadNodes(npz, NpzFile::Member(prefix, "shape")));
  QH_ASSIGN_OR_RETURN(const ArraySource ends,
                      npz.Array(NpzFile::Member(prefix, format == "coo" ? "row" : "indices")));
  size.arcs = ends.size();
  return size;
}

absl::Status ImportNpzAdjacency(const NpzFile& npz, const std::string& prefix,
                                ImportTarget& target) {
  QH_ASSIGN_OR_RETURN(const std::string format, ReadFormat(npz, prefix));
  const auto member = [&](const char* name) { return NpzFile::Member(prefix, name); };
  QH_ASSIGN_OR_RETURN(const int64_t num_nodes, ReadNodes(npz, member("shape")));
  QH_RETURN_IF_ERROR(target.SetNodes(num_nodes));
  if (HasWeights(npz, prefix)) target.AddNote(kWeightsAreNotUsed);
  if (format == "coo") {
    QH_ASSIGN_OR_RETURN(ArraySource rows, npz.Array(member("row")));
    QH_ASSIGN_OR_RETURN(ArraySource columns, npz.Array(member("col")));
    return ImportArcs(std::move(rows), std::move(columns), target);
  }
  QH_ASSIGN_OR_RETURN(ArraySource indptr, npz.Array(member("indptr")));
  QH_ASSIGN_OR_RETURN(ArraySource indices, npz.Array(member("indices")));
  return ImportAdjacency(std::move(indptr), std::move(indices), target,
                         format == "csr" ? Compressed::kRows : Compressed::kColumns);
}

}  // namespace quadhop
