// Planetoid's citation graphs (Yang et al., 2016), https://github.com/kimiyoung/planetoid: pickles
// ind.NAME.{allx,tx,y,ally,ty,graph} and the text ind.NAME.test.index.
//
// Rows of allx are the nodes before the test nodes; row i of tx is node test.index[i]. Ids in the
// range of the test nodes that are not there (citeseer has 15) are nodes without features and
// label. Split "public": the rows of y train, the next 500 validate, test.index tests.
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "partition/import/arrays/pickle.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/import_splits.h"

namespace quadhop {
namespace {

constexpr int64_t kNumValid = 500;

// The DIR/ind.NAME that --from means; "" if there is none.
std::string PrefixOf(const std::string& from) {
  const std::string stripped =
      absl::EndsWith(from, ".graph") ? from.substr(0, from.size() - 6) : from;
  if (FileExists(stripped + ".graph") && FileExists(stripped + ".allx")) return stripped;
  std::vector<std::string> found;
  for (const std::string& name : ListFolder(from).value_or(std::vector<std::string>())) {
    if (absl::StartsWith(name, "ind.") && absl::EndsWith(name, ".graph"))
      found.push_back(absl::StrCat(from, "/", name.substr(0, name.size() - 6)));
  }
  return found.size() == 1 ? found[0] : "";
}

class PlanetoidImporter {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
    prefix_ = PrefixOf(options.from);
    if (prefix_.empty())
      return absl::NotFoundError(absl::StrCat("no ", options.from,
                                              ".graph and .allx, and no single ind.NAME.graph in ",
                                              options.from, ": name DIR/ind.NAME"));
    QH_ASSIGN_OR_RETURN(test_, ReadTestIndex());
    QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix allx, ReadMatrix("allx"));
    QH_ASSIGN_OR_RETURN(const OwnedSparseMatrix tx, ReadMatrix("tx"));
    QH_RETURN_IF_ERROR(PlaceTestRows(allx, tx));
    QH_RETURN_IF_ERROR(target.SetNodes(static_cast<int64_t>(test_row_of_.size())));
    QH_RETURN_IF_ERROR(target.AddSparseFeatures(Joined(allx, tx).view(), pool));
    QH_RETURN_IF_ERROR(ReadLabels(target));
    QH_RETURN_IF_ERROR(ReadArcs(target));
    return AddPublicSplit(target);
  }

 private:
  std::string Path(const char* part) const { return absl::StrCat(prefix_, ".", part); }

  absl::StatusOr<Pickle> ReadPickle(const char* part) const {
    QH_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(Path(part)));
    return Pickle::Read(bytes, Path(part));
  }
  absl::StatusOr<OwnedSparseMatrix> ReadMatrix(const char* part) const {
    QH_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle(part));
    return SparseMatrixOf(pickle.root(), pickle.place());
  }

  absl::StatusOr<std::vector<int64_t>> ReadTestIndex() const {
    const std::string path = Path("test.index");
    QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    std::vector<int64_t> ids;
    for (const absl::string_view line :
         absl::StrSplit(absl::StripPrefix(text, kByteOrderMark), '\n', absl::SkipWhitespace())) {
      int64_t id = -1;
      if (!absl::SimpleAtoi(line, &id) || id < 0 || id > std::numeric_limits<int32_t>::max())
        return ArrayError(absl::StrCat(path, " line ", ids.size() + 1),
                          absl::StrCat("\"", line.substr(0, 40), "\""), "a node id is needed");
      ids.push_back(id);
    }
    return ids;
  }

  // Finds the row of tx of each node, -1: none.
  absl::Status PlaceTestRows(const OwnedSparseMatrix& allx, const OwnedSparseMatrix& tx) {
    if (allx.num_cols != tx.num_cols || static_cast<int64_t>(test_.size()) != tx.num_rows)
      return ArrayError(Path("tx"), absl::StrCat(tx.num_rows, " x ", tx.num_cols),
                        absl::StrCat(test_.size(), " rows, as test.index has, and ", allx.num_cols,
                                     " columns, as allx has, are needed"));
    num_known_ = allx.num_rows;
    int64_t num_nodes = num_known_;
    // Ids that are missing are few; a wild one must not make a huge graph.
    const int64_t limit = num_known_ + 2 * tx.num_rows + 1000;
    for (const int64_t id : test_) {
      if (id < num_known_ || id >= limit)
        return ArrayError(Path("test.index"), absl::StrCat("a list with node ", id),
                          absl::StrCat("test nodes are in [", num_known_, ", ", limit, ")"));
      num_nodes = std::max(num_nodes, id + 1);
    }
    test_row_of_.assign(static_cast<size_t>(num_nodes), -1);
    for (size_t row = 0; row < test_.size(); ++row)
      test_row_of_[static_cast<size_t>(test_[row])] = static_cast<int64_t>(row);
    return absl::OkStatus();
  }

  OwnedSparseMatrix Joined(const OwnedSparseMatrix& allx, const OwnedSparseMatrix& tx) const {
    OwnedSparseMatrix all = allx;
    all.num_rows = static_cast<int64_t>(test_row_of_.size());
    for (int64_t v = num_known_; v < all.num_rows; ++v) {
      const int64_t row = test_row_of_[static_cast<size_t>(v)];
      if (row >= 0) {
        const auto begin = tx.indptr[static_cast<size_t>(row)];
        const auto end = tx.indptr[static_cast<size_t>(row) + 1];
        all.indices.insert(all.indices.end(), tx.indices.begin() + begin, tx.indices.begin() + end);
        all.values.insert(all.values.end(), tx.values.begin() + begin, tx.values.begin() + end);
      }
      all.indptr.push_back(static_cast<int64_t>(all.indices.size()));
    }
    return all;
  }

  // The class of each row of a table with a 1 in its column; -1 where the row is zero.
  absl::StatusOr<std::vector<double>> ReadOneHot(const char* part, int64_t num_rows) const {
    QH_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle(part));
    QH_ASSIGN_OR_RETURN(ArraySource table, ArrayOf(pickle.root(), pickle.place()));
    if (table.dims().size() != 2 || table.dims()[0] != num_rows || table.dims()[1] < 1 ||
        table.fortran_order())
      return ArrayError(table.place(), table.DimsText(),
                        absl::StrCat("[", num_rows, ", classes] in row order is needed"));
    QH_ASSIGN_OR_RETURN(const std::vector<double> values, table.ReadRest<double>(INT64_MAX));
    const auto width = static_cast<size_t>(table.dims()[1]);
    std::vector<double> classes(static_cast<size_t>(num_rows), -1);
    for (size_t row = 0; row < classes.size(); ++row)
      for (size_t c = 0; c < width; ++c)
        if (values[row * width + c] != 0) classes[row] = static_cast<double>(c);
    return classes;
  }

  absl::Status ReadLabels(ImportTarget& target) {
    QH_ASSIGN_OR_RETURN(std::vector<double> classes, ReadOneHot("ally", num_known_));
    QH_ASSIGN_OR_RETURN(const std::vector<double> tested,
                        ReadOneHot("ty", static_cast<int64_t>(test_.size())));
    classes.resize(test_row_of_.size(), -1);
    for (size_t v = static_cast<size_t>(num_known_); v < classes.size(); ++v)
      if (test_row_of_[v] >= 0) classes[v] = tested[static_cast<size_t>(test_row_of_[v])];
    return AddClasses(classes, Path("ally"), target);
  }

  absl::Status ReadArcs(ImportTarget& target) const {
    QH_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle("graph"));
    if (pickle.root().kind != PickleValue::Kind::kDict)
      return ArrayError(pickle.place(), "no dict", "a dict of lists of neighbours is needed");
    std::vector<Arc> arcs;
    for (const auto& [node, neighbors] : pickle.root().entries) {
      for (const PickleValue* neighbor : neighbors->items) {
        if (node->kind != PickleValue::Kind::kInteger ||
            neighbor->kind != PickleValue::Kind::kInteger)
          return ArrayError(pickle.place(), "a dict of other things",
                            "a dict of lists of neighbours is needed");
        arcs.push_back({node->integer, neighbor->integer});
      }
    }
    return AddCheckedArcs(arcs, target, [&](int64_t i, int end) {
      return absl::StrCat(pickle.place(), ": ", end == 0 ? "source" : "target", " of arc ", i);
    });
  }

  absl::Status AddPublicSplit(ImportTarget& target) const {
    QH_ASSIGN_OR_RETURN(const Pickle pickle, ReadPickle("y"));
    QH_ASSIGN_OR_RETURN(const ArraySource y, ArrayOf(pickle.root(), pickle.place()));
    const int64_t num_train = y.dims().empty() ? 0 : y.dims()[0];
    if (num_train > num_known_)
      return ArrayError(y.place(), y.DimsText(),
                        absl::StrCat("allx has only ", num_known_, " nodes"));
    std::array<std::vector<int64_t>, 3> ids;
    for (int64_t v = 0; v < num_train; ++v) ids[0].push_back(v);
    for (int64_t v = num_train; v < std::min(num_train + kNumValid, num_known_); ++v)
      ids[1].push_back(v);
    ids[2] = test_;
    return AddSplitOfIds("public", ids, prefix_, target);
  }

  std::string prefix_;
  std::vector<int64_t> test_;         // node ids
  std::vector<int64_t> test_row_of_;  // [N]
  int64_t num_known_ = 0;             // nodes before the test nodes
};

bool IsPlanetoid(const std::string& from) { return !PrefixOf(from).empty(); }

}  // namespace

extern constinit const ImportFormat kPlanetoidFormat = {
    .name = "planetoid",
    .recognised_by = "DIR/ind.NAME, or a folder with one ind.NAME.graph",
    .recognises = IsPlanetoid,
    .read = [](const ImportOptions& options, ImportTarget& target,
               ThreadPool& pool) { return PlanetoidImporter().Read(options, target, pool); },
    .has_splits = [](const std::string&) { return true; },
};

}  // namespace quadhop
