// The .npz of the gnn-benchmark (Shchur et al., "Pitfalls of Graph Neural Network Evaluation",
// 2018), https://github.com/shchur/gnn-benchmark, and its descendants:
//
//   adj_{data,indices,indptr,shape}, or adj_matrix, a pickled csr_matrix or dense
//   attr_{...}, or a dense or pickled attr_matrix or node_attr
//   labels or node_label [N], or labels_{...}: a multi-label target
//
//   node_names [N] and class_names [C], texts
//   train_mask, val_mask and test_mask [N], or [S, N], which the benchmark's own files lack
//
// Arcs stand in one direction, in either.
#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <utility>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"
#include "partition/import/arrays/npz_file.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/import_splits.h"
#include "partition/import/formats/npz_adjacency.h"

namespace quadhop {
namespace {

// A pickled csr_matrix.
absl::StatusOr<OwnedSparseMatrix> PickledMatrix(const NpzFile& npz, const std::string& name,
                                                bool with_values) {
  QH_ASSIGN_OR_RETURN(const Pickle pickle, npz.Objects(name));
  return SparseMatrixOf(Unwrapped(pickle.root()), pickle.place(), with_values);
}

// Every entry that is not zero is a label.
absl::Status AddSparseLabels(const OwnedSparseMatrix& labels, const std::string& place,
                             ImportTarget& target) {
  if (labels.num_rows != target.num_nodes())
    return ArrayError(
        place, absl::StrCat("of ", labels.num_rows, " rows"),
        absl::StrCat("a row for each of the ", target.num_nodes(), " nodes is needed"));
  QH_ASSIGN_OR_RETURN(const TensorView<uint8_t> out, target.AddMultiLabels(labels.num_cols));
  for (int64_t v = 0; v < labels.num_rows; ++v)
    for (auto e = static_cast<size_t>(labels.indptr[static_cast<size_t>(v)]);
         e < static_cast<size_t>(labels.indptr[static_cast<size_t>(v) + 1]); ++e)
      out.row(v)[labels.indices[e]] = 1;
  return absl::OkStatus();
}

// The name of dense features; "" if there are none.
std::string DenseFeatures(const NpzFile& npz) {
  for (const char* name : {"attr_matrix", "node_attr"})
    if (npz.Has(name)) return name;
  return "";
}

class ShchurImporter {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(options.from, target.memory_bytes()));
    QH_RETURN_IF_ERROR(ReadArcs(npz, target));
    QH_RETURN_IF_ERROR(ReadFeatures(npz, target, pool));
    QH_RETURN_IF_ERROR(ReadLabels(npz, target));
    QH_RETURN_IF_ERROR(ReadNames(npz, target));
    return ImportSplitsOrRandomSplit(npz.arrays(), used_, target);
  }

 private:
  // A matrix of several arrays.
  void UseMatrix(const std::string& prefix) {
    for (const char* part : {"data", "indices", "indptr", "shape", "format"})
      used_.push_back(NpzFile::Member(prefix, part));
  }

  absl::Status ReadArcs(const NpzFile& npz, ImportTarget& target) {
    if (npz.HasCsrMatrix("adj")) {
      UseMatrix("adj");
      return ImportNpzAdjacency(npz, "adj", target);
    }
    used_.push_back("adj_matrix");
    QH_ASSIGN_OR_RETURN(const bool pickled, npz.HoldsObjects("adj_matrix"));
    if (!pickled) return ImportDenseAdjacency(npz, target);
    QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix adjacency,
                        PickledMatrix(npz, "adj_matrix", /*with_values=*/false));
    QH_RETURN_IF_ERROR(Annotate(target.SetNodes(adjacency.num_rows), npz.path()));
    return ImportAdjacency(adjacency, npz.path() + ": adj_matrix", target);
  }

  // One arc per value that is not 0.
  static absl::Status ImportDenseAdjacency(const NpzFile& npz, ImportTarget& target) {
    QH_ASSIGN_OR_RETURN(ArraySource matrix, npz.Array("adj_matrix"));
    const std::vector<int64_t> dims = matrix.dims();
    if (dims.size() != 2 || dims[0] != dims[1]) return WrongDims(matrix, "an adjacency is square");
    QH_RETURN_IF_ERROR(Annotate(target.SetNodes(dims[0]), matrix.place()));
    const TableShape shape{dims[0], dims[1], matrix.fortran_order()};
    return ForEachBlock<double>(matrix, [&](absl::Span<const double> values, int64_t first) {
      std::vector<Arc> arcs;
      for (size_t i = 0; i < values.size(); ++i) {
        const int64_t at = first + static_cast<int64_t>(i);
        if (values[i] != 0) arcs.push_back({shape.Row(at), shape.Column(at)});
      }
      return target.AddArcs(arcs);
    });
  }

  absl::Status ReadFeatures(const NpzFile& npz, ImportTarget& target, ThreadPool& pool) {
    OwnedSparseMatrix sparse;
    std::string name = "attr";
    if (npz.HasCsrMatrix(name)) {
      UseMatrix(name);
      QH_ASSIGN_OR_RETURN(sparse, npz.CsrMatrix(name));
    } else {
      name = DenseFeatures(npz);
      if (name.empty()) {
        target.AddNote("no attr_matrix: positional encodings will stand in for features");
        return absl::OkStatus();
      }
      used_.push_back(name);
      QH_ASSIGN_OR_RETURN(const bool pickled, npz.HoldsObjects(name));
      if (!pickled) {
        QH_ASSIGN_OR_RETURN(ArraySource dense, npz.Array(name));
        return ImportFeatures(std::move(dense), target);
      }
      QH_ASSIGN_OR_RETURN(sparse, PickledMatrix(npz, name, /*with_values=*/true));
    }
    if (sparse.num_rows != target.num_nodes())
      return ArrayError(absl::StrCat(npz.path(), ": ", name),
                        absl::StrCat("of ", sparse.num_rows, " rows"),
                        absl::StrCat("the graph has ", target.num_nodes(), " nodes"));
    return target.AddSparseFeatures(sparse.view(), pool);
  }

  absl::Status ReadLabels(const NpzFile& npz, ImportTarget& target) {
    const std::string name = npz.Has("node_label") ? "node_label" : "labels";
    if (npz.HasCsrMatrix("labels")) {
      UseMatrix("labels");
      QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix labels, npz.CsrMatrix("labels"));
      QH_RETURN_IF_ERROR(AddSparseLabels(labels, npz.path() + ": labels", target));
    } else if (npz.Has(name)) {
      used_.push_back(name);
      QH_ASSIGN_OR_RETURN(ArraySource labels, npz.Array(name));
      QH_RETURN_IF_ERROR(ImportLabels(std::move(labels), target));
    } else {
      target.AddNote("no labels: the store cannot be trained on");
    }
    return absl::OkStatus();
  }

  // A file whose names cannot be kept is imported without them.
  absl::Status ReadNames(const NpzFile& npz, ImportTarget& target) {
    const auto read = [&](const char* name, const auto& keep) -> absl::Status {
      if (!npz.Has(name)) return absl::OkStatus();
      used_.push_back(name);
      absl::StatusOr<std::vector<std::string>> names = npz.Texts(name);
      const absl::Status status = names.ok() ? keep(*std::move(names)) : names.status();
      if (!absl::IsInvalidArgument(status)) return status;
      target.AddNote(absl::StrCat("names not used: ", status.message()));
      return absl::OkStatus();
    };
    QH_RETURN_IF_ERROR(read("node_names", [&](const std::vector<std::string>& names) {
      return KeepNodeNames(names, npz.path() + ": node_names", target);
    }));
    if (!target.has_labels()) return absl::OkStatus();
    return read("class_names", [&](std::vector<std::string> names) {
      target.SetClassNames(std::move(names));
      return absl::OkStatus();
    });
  }

  // One line per node, by which it is known.
  static absl::Status KeepNodeNames(const std::vector<std::string>& names, const std::string& place,
                                    ImportTarget& target) {
    if (static_cast<int64_t>(names.size()) != target.num_nodes())
      return ArrayError(
          place, absl::StrCat("of ", names.size(), " names"),
          absl::StrCat("a name for each of the ", target.num_nodes(), " nodes is needed"));
    absl::flat_hash_map<absl::string_view, size_t> seen;
    for (size_t v = 0; v < names.size(); ++v) {
      const std::string element = absl::StrCat(place, " element ", v);
      if (names[v].empty() || names[v].find_first_of("\r\n") != std::string::npos)
        return ArrayError(element, "empty or of several lines", "a line is needed");
      const auto [same, is_new] = seen.emplace(names[v], v);
      if (!is_new)
        return ArrayError(element, absl::StrCat("the same as element ", same->second),
                          "names of nodes must differ");
    }
    return target.SetOriginalNames(absl::StrCat(absl::StrJoin(names, "\n"), "\n"));
  }

  std::vector<std::string> used_;  // names of arrays
};

bool IsShchurNpz(const std::string& from) {
  return IsNpzWith(from, {"adj_indptr"}) || IsNpzWith(from, {"adj_matrix"});
}

// Nothing for pickles, which do not tell before they are read.
absl::StatusOr<absl::optional<PrepShape>> MeasureShchur(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const NpzFile npz, NpzFile::Open(options.from, 0));
  if (!npz.HasCsrMatrix("adj")) return absl::nullopt;
  QH_ASSIGN_OR_RETURN(const AdjacencySize size, MeasureNpzAdjacency(npz, "adj"));
  PrepShape shape;
  shape.nodes = size.nodes;
  shape.arcs = size.arcs;
  if (npz.HasCsrMatrix("attr")) {
    QH_ASSIGN_OR_RETURN(const auto dims, npz.MatrixDims("attr"));
    shape.features = dims[1];
  } else if (const std::string name = DenseFeatures(npz); !name.empty()) {
    QH_ASSIGN_OR_RETURN(const bool pickled, npz.HoldsObjects(name));
    if (pickled) return absl::nullopt;
    QH_ASSIGN_OR_RETURN(const ArraySource features, npz.Array(name));
    shape.features = FeatureColumns(features);
  }
  return shape;
}

}  // namespace

extern constinit const ImportFormat kShchurFormat = {
    .name = "shchur",
    .recognised_by = "an .npz with adj_indptr or adj_matrix",
    .recognises = IsShchurNpz,
    .read = [](const ImportOptions& options, ImportTarget& target,
               ThreadPool& pool) { return ShchurImporter().Read(options, target, pool); },
    .measure = MeasureShchur,
};

}  // namespace quadhop
