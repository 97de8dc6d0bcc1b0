// The .mat files of LINKX (Lim et al., "Large Scale Learning on Non-Homophilous Graphs", 2021),
// https://github.com/CUAI/Non-Homophily-Large-Scale, and of others:
//
//   arcs      edge_index [2, E], or a sparse A, adj, network (blogcatalog) or homo (YelpChi)
//   features  node_feat, features, attrb, X or x, dense or sparse; of facebook100 local_info, see
//             below
//   labels    label, labels or y [1, N], group [N, L] (multi-label), or years: five quantiles
//             (snap-patents)
//   num_nodes, if the features do not tell
//   train_mask, val_mask and test_mask [1, N], or [S, N], which those of LINKX lack
//
// facebook100's local_info [N, 7] has the gender in its second column, which is the label (0:
// missing); the others are features, a column for each value that they take.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/types/span.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "partition/import/arrays/mat_file.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/import_splits.h"

namespace quadhop {
namespace {

constexpr const char* kMatrices[] = {"A", "adj", "network", "homo"};
constexpr const char* kFeatures[] = {"node_feat", "features", "attrb", "X", "x"};
constexpr const char* kLabels[] = {"label", "labels", "y"};
constexpr int64_t kGenderColumn = 1;
constexpr int64_t kYearQuantiles = 5;

// numpy.nanquantile: linear between the two nearest.
double Quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

// Classes of about the same size.  [N], NaN where the value is
std::vector<double> EvenQuantiles(const std::vector<double>& values) {
  std::vector<double> sorted;
  for (const double value : values)
    if (!std::isnan(value)) sorted.push_back(value);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> bounds;
  for (int64_t k = 1; k < kYearQuantiles && !sorted.empty(); ++k)
    bounds.push_back(
        Quantile(sorted, static_cast<double>(k) / static_cast<double>(kYearQuantiles)));
  std::vector<double> classes;
  for (const double value : values)
    classes.push_back(
        std::isnan(value)
            ? value
            : static_cast<double>(std::upper_bound(bounds.begin(), bounds.end(), value) -
                                  bounds.begin()));
  return classes;
}

// The first of the names that the file has; null if it has none.
const char* FirstOf(absl::Span<const char* const> names, const MatFile& mat) {
  const auto found =
      std::find_if(names.begin(), names.end(), [&](const char* each) { return mat.Has(each); });
  return found == names.end() ? nullptr : *found;
}

// The name of the sparse matrix of arcs, or null: they are in edge_index.
const char* MatrixOfArcs(const MatFile& mat) { return FirstOf(kMatrices, mat); }

// For files with arcs in edge_index.
absl::StatusOr<int64_t> CountNodes(const MatFile& mat) {
  if (mat.Has("num_nodes")) {
    QH_ASSIGN_OR_RETURN(ArraySource array, mat.Array("num_nodes"));
    return ReadNumber(std::move(array), "one number is needed");
  }
  if (const char* const name = FirstOf(kLabels, mat); name != nullptr) {
    QH_ASSIGN_OR_RETURN(const MatFile::Size labels, mat.SizeOf(name));
    return std::max(labels.rows, labels.columns);
  }
  return ArrayError(mat.path(), "without num_nodes and label",
                    "one of them must tell how many nodes there are");
}

class LinkxImporter {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const MatFile mat, MatFile::Open(options.from));
    QH_RETURN_IF_ERROR(ReadArcs(mat, target));
    if (Take(mat, "local_info")) {
      QH_RETURN_IF_ERROR(ReadPeople(mat, target, pool));
    } else {
      QH_RETURN_IF_ERROR(ReadFeatures(mat, target, pool));
      QH_RETURN_IF_ERROR(ReadLabels(mat, target));
    }
    return ImportSplitsOrRandomSplit(mat.arrays(), used_, target);
  }

 private:
  // Whether there is a variable of this name, which is then taken.
  bool Take(const MatFile& mat, const std::string& name) {
    if (mat.Has(name)) used_.push_back(name);
    return mat.Has(name);
  }

  absl::Status ReadArcs(const MatFile& mat, ImportTarget& target) {
    if (const char* const name = MatrixOfArcs(mat); name != nullptr) {
      used_.emplace_back(name);
      QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix matrix, mat.SquareMatrix(name));
      QH_RETURN_IF_ERROR(Annotate(target.SetNodes(matrix.num_rows), mat.path()));
      return ImportAdjacency(matrix, absl::StrCat(mat.path(), ": ", name), target);
    }
    QH_ASSIGN_OR_RETURN(const int64_t num_nodes, CountNodes(mat));
    QH_RETURN_IF_ERROR(Annotate(target.SetNodes(num_nodes), mat.path()));
    Take(mat, "num_nodes");
    used_.push_back("edge_index");
    return ImportArcs([&] { return mat.Array("edge_index"); }, target);
  }

  absl::Status ReadFeatures(const MatFile& mat, ImportTarget& target, ThreadPool& pool) {
    const char* const name = FirstOf(kFeatures, mat);
    if (name == nullptr) {
      target.AddNote(absl::StrCat("no features, as ", absl::StrJoin(kFeatures, ", "),
                                  ": positional encodings will stand in for them"));
      return absl::OkStatus();
    }
    used_.emplace_back(name);
    QH_ASSIGN_OR_RETURN(const bool sparse, mat.IsSparse(name));
    if (!sparse) {
      QH_ASSIGN_OR_RETURN(ArraySource dense, mat.Array(name));
      return ImportFeatures(std::move(dense), target);
    }
    QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix features, mat.Matrix(name, target.num_nodes()));
    return target.AddSparseFeatures(features.view(), pool);
  }

  absl::Status ReadLabels(const MatFile& mat, ImportTarget& target) {
    if (const char* const name = FirstOf(kLabels, mat); name != nullptr) {
      used_.emplace_back(name);
      QH_ASSIGN_OR_RETURN(ArraySource labels, mat.Array(name));
      QH_RETURN_IF_ERROR(ImportLabels(std::move(labels), target));
    } else if (Take(mat, "years")) {
      QH_ASSIGN_OR_RETURN(ArraySource years, mat.Array("years"));
      if (years.size() != target.num_nodes())
        return ArrayError(years.place(), years.DimsText(), "one year per node is needed");
      QH_ASSIGN_OR_RETURN(const std::vector<double> values,
                          years.ReadRest<double>(target.memory_bytes()));
      QH_RETURN_IF_ERROR(AddClasses(EvenQuantiles(values), years.place(), target));
      target.AddNote("classes: five quantiles of years");
    } else if (Take(mat, "group")) {
      QH_RETURN_IF_ERROR(ReadGroups(mat, target));
    } else {
      target.AddNote("no label: the store cannot be trained on");
    }
    return absl::OkStatus();
  }

  static absl::Status ReadGroups(const MatFile& mat, ImportTarget& target) {
    QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix groups, mat.Matrix("group", target.num_nodes()));
    QH_ASSIGN_OR_RETURN(const TensorView<uint8_t> out, target.AddMultiLabels(groups.num_cols));
    for (int64_t v = 0; v < groups.num_rows; ++v)
      for (auto e = static_cast<size_t>(groups.indptr[static_cast<size_t>(v)]);
           e < static_cast<size_t>(groups.indptr[static_cast<size_t>(v) + 1]); ++e)
        out.row(v)[groups.indices[e]] = 1;
    return absl::OkStatus();
  }

  static absl::Status ReadPeople(const MatFile& mat, ImportTarget& target, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(ArraySource info, mat.Array("local_info"));
    const int64_t num_nodes = target.num_nodes();
    if (info.dims()[0] != num_nodes || info.dims()[1] <= kGenderColumn)
      return ArrayError(info.place(), info.DimsText(),
                        absl::StrCat("[", num_nodes, ", 7] is needed"));
    const int64_t columns = info.dims()[1];
    QH_ASSIGN_OR_RETURN(const std::vector<int64_t> values,  // by column
                        info.ReadRest<int64_t>(target.memory_bytes()));
    std::vector<double> classes;
    CsrParts features;
    std::map<std::pair<int64_t, int64_t>, int64_t> column_of;  // of (column, value)
    for (int64_t i = 0; i < num_nodes * columns; ++i)
      if (i / num_nodes != kGenderColumn)
        column_of[{i / num_nodes, values[static_cast<size_t>(i)]}] = 0;
    for (auto& [key, column] : column_of) column = features.num_cols++;
    features.num_rows = num_nodes;
    features.indptr.push_back(0);
    for (int64_t v = 0; v < num_nodes; ++v) {
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t value = values[static_cast<size_t>(c * num_nodes + v)];
        if (c == kGenderColumn)
          classes.push_back(static_cast<double>(value - 1));
        else
          features.indices.push_back(column_of.at({c, value}));
      }
      features.indptr.push_back(static_cast<int64_t>(features.indices.size()));
    }
    QH_RETURN_IF_ERROR(AddClasses(classes, info.place(), target));
    QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix rows,
                        MakeSparseRows(std::move(features), info.place()));
    return target.AddSparseFeatures(rows.view(), pool);
  }

  std::vector<std::string> used_;  // names of variables
};

bool IsLinkxMat(const std::string& from) {
  if (!absl::EndsWith(from, ".mat")) return false;
  const absl::StatusOr<MatFile> mat = MatFile::Open(from);
  return mat.ok() && (mat->Has("edge_index") || MatrixOfArcs(*mat) != nullptr);
}

// Nothing if the file does not tell the entries of a sparse matrix, or has local_info, whose
// columns become as many as they have values.
absl::StatusOr<absl::optional<PrepShape>> MeasureLinkx(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const MatFile mat, MatFile::Open(options.from));
  if (mat.Has("local_info")) return absl::nullopt;
  PrepShape shape;
  if (const char* const name = MatrixOfArcs(mat); name != nullptr) {
    QH_ASSIGN_OR_RETURN(const MatFile::Size matrix, mat.SizeOf(name));
    if (!matrix.room.has_value()) return absl::nullopt;
    shape.nodes = matrix.columns;
    shape.arcs = *matrix.room;
  } else {
    QH_ASSIGN_OR_RETURN(shape.nodes, CountNodes(mat));
    QH_ASSIGN_OR_RETURN(const MatFile::Size arcs, mat.SizeOf("edge_index"));
    shape.arcs = std::max(arcs.rows, arcs.columns);
  }
  if (const char* const name = FirstOf(kFeatures, mat); name != nullptr) {
    QH_ASSIGN_OR_RETURN(const MatFile::Size features, mat.SizeOf(name));
    shape.features = features.columns;
  }
  return shape;
}

}  // namespace

extern constinit const ImportFormat kLinkxFormat = {
    .name = "linkx",
    .recognised_by = "a .mat with A, adj, edge_index, network or homo",
    .recognises = IsLinkxMat,
    .read = [](const ImportOptions& options, ImportTarget& target,
               ThreadPool& pool) { return LinkxImporter().Read(options, target, pool); },
    .measure = MeasureLinkx,
};

}  // namespace quadhop
