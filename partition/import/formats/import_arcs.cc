#include "partition/import/formats/import_arcs.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "core/base/casts.h"
#include "core/base/status.h"
#include "partition/import/arrays/array_blocks.h"

namespace quadhop {
namespace {

void Renumber(const NodeIds* ids, std::vector<Arc>& arcs) {
  if (ids == nullptr) return;
  for (Arc& arc : arcs) arc = {ids->NodeOf(arc.source), ids->NodeOf(arc.target)};
}

absl::Status AddPairs(ArraySource source, ImportTarget& target, const NodeIds* ids) {
  std::vector<Arc> arcs;
  std::vector<int64_t> ends;
  const int64_t num_arcs = source.size() / 2;
  for (int64_t first = 0; first < num_arcs; first += kArrayBlock) {
    const int64_t count = std::min(kArrayBlock, num_arcs - first);
    target.TellProgress(source.place(), ShareOf(first, num_arcs));
    ends.resize(AsSize(2 * count));
    arcs.resize(AsSize(count));
    QH_RETURN_IF_ERROR(source.Read(absl::MakeSpan(ends)));
    for (size_t i = 0; i < arcs.size(); ++i) arcs[i] = {ends[2 * i], ends[2 * i + 1]};
    Renumber(ids, arcs);
    QH_RETURN_IF_ERROR(AddCheckedArcs(arcs, target, [&](int64_t i, int end) {
      return absl::StrCat(source.place(), " element ", 2 * (first + i) + end);
    }));
  }
  return absl::OkStatus();
}

// Adds the next `num_arcs` of both arrays.
absl::Status AddSideBySide(ArraySource& sources, ArraySource& targets, int64_t num_arcs,
                           ImportTarget& target, const NodeIds* ids = nullptr) {
  std::vector<int64_t> from, to;
  std::vector<Arc> arcs;
  for (int64_t first = 0; first < num_arcs; first += kArrayBlock) {
    const size_t count = AsSize(std::min(kArrayBlock, num_arcs - first));
    target.TellProgress(targets.place(), ShareOf(first, num_arcs));
    from.resize(count);
    to.resize(count);
    arcs.resize(count);
    QH_RETURN_IF_ERROR(sources.Read(absl::MakeSpan(from)));
    QH_RETURN_IF_ERROR(targets.Read(absl::MakeSpan(to)));
    for (size_t i = 0; i < count; ++i) arcs[i] = {from[i], to[i]};
    Renumber(ids, arcs);
    QH_RETURN_IF_ERROR(AddCheckedArcs(arcs, target, [&](int64_t i, int end) {
      return absl::StrCat(end == 0 ? sources.place() : targets.place(), ": ",
                          end == 0 ? "source" : "target", " of arc ", first + i);
    }));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddCheckedArcs(absl::Span<const Arc> arcs, ImportTarget& target,
                            const std::function<std::string(int64_t, int)>& place) {
  const int64_t num_nodes = target.num_nodes();
  const auto known = [&](int64_t id) { return id >= 0 && id < num_nodes; };
  int64_t least = num_nodes, most = -1;
  for (size_t i = 0; i < arcs.size(); ++i) {
    least = std::min({least, arcs[i].source, arcs[i].target});
    most = std::max({most, arcs[i].source, arcs[i].target});
    if (known(arcs[i].source) && known(arcs[i].target)) continue;
    const int end = known(arcs[i].source) ? 1 : 0;
    const int64_t id = end == 0 ? arcs[i].source : arcs[i].target;
    return ArrayError(place(static_cast<int64_t>(i), end), absl::StrCat("node ", id),
                      absl::StrCat("node ids are in [0, ", num_nodes, ")", target.counted_by(),
                                   id == num_nodes ? "; are ids counted from 1?" : ""));
  }
  target.SawIds(least, most);
  return target.AddArcs(arcs);
}

absl::Status SetNodes(const NodeIds& ids, const std::string& place, ImportTarget& target) {
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(ids.num_nodes()), place));
  if (ids.contiguous()) return absl::OkStatus();
  target.AddNote("node ids have gaps: nodes are numbered by ascending id, see original_names.txt");
  QH_ASSIGN_OR_RETURN(const absl::Span<char> names, target.AddOriginalNames(ids.names_bytes()));
  ids.WriteNames(names.data());
  return absl::OkStatus();
}

absl::Status ImportArcs(const ArrayOpener& open, ImportTarget& target, const NodeIds* ids) {
  QH_ASSIGN_OR_RETURN(ArraySource first, open());
  const std::vector<int64_t> dims = first.dims();
  if (dims.size() != 2 || (dims[0] != 2 && dims[1] != 2))
    return WrongDims(first, "arcs are [2, E] or [E, 2]");
  const bool as_rows = dims[0] == 2;
  if (as_rows == first.fortran_order()) return AddPairs(std::move(first), target, ids);
  QH_ASSIGN_OR_RETURN(ArraySource second, open());
  const int64_t num_arcs = first.size() / 2;
  QH_RETURN_IF_ERROR(second.Skip(num_arcs));
  return AddSideBySide(first, second, num_arcs, target, ids);
}

absl::Status ImportArcs(ArraySource sources, ArraySource targets, ImportTarget& target) {
  if (sources.size() != targets.size())
    return ArrayError(targets.place(), targets.DimsText(),
                      absl::StrCat(sources.place(), " is ", sources.DimsText(),
                                   ": a source and a target per arc are needed"));
  return AddSideBySide(sources, targets, sources.size(), target);
}

absl::Status ImportAdjacency(ArraySource indptr, ArraySource neighbors, ImportTarget& target,
                             Compressed by) {
  const int64_t num_nodes = target.num_nodes();
  if (indptr.size() != num_nodes + 1)
    return WrongDims(indptr,
                     absl::StrCat("one entry more than the ", num_nodes, " nodes is needed"));
  target.SawIds(0, 0);  // rows are counted from 0, whether the first has entries or not
  int64_t begin = 0, node = -1;
  std::vector<int64_t> row;
  std::vector<Arc> arcs;
  return ForEachBlock<int64_t>(
      indptr, [&](absl::Span<const int64_t> ends, int64_t first) -> absl::Status {
        arcs.clear();
        for (size_t i = 0; i < ends.size(); ++i, ++node) {
          const int64_t end = ends[i];
          if (end < begin || end > neighbors.size() || (node < 0 && end != 0) ||
              (node + 1 == num_nodes && end != neighbors.size()))
            return ArrayError(
                absl::StrCat(indptr.place(), " element ", first + static_cast<int64_t>(i)),
                absl::StrCat(end),
                absl::StrCat("it must ascend from 0 to the ", neighbors.size(), " entries of ",
                             neighbors.place()));
          while (begin < end) {
            target.TellProgress(neighbors.place(), ShareOf(begin, neighbors.size()));
            row.resize(AsSize(std::min(kArrayBlock, end - begin)));
            QH_RETURN_IF_ERROR(neighbors.Read(absl::MakeSpan(row)));
            for (const int64_t neighbor : row)
              arcs.push_back(by == Compressed::kRows ? Arc{node, neighbor} : Arc{neighbor, node});
            begin += static_cast<int64_t>(row.size());
            const bool last = begin == neighbors.size();
            if (static_cast<int64_t>(arcs.size()) < kArrayBlock && !last) continue;
            QH_RETURN_IF_ERROR(AddCheckedArcs(arcs, target, [&](int64_t arc, int) {
              return absl::StrCat(neighbors.place(), " element ",
                                  begin - static_cast<int64_t>(arcs.size()) + arc);
            }));
            arcs.clear();
          }
        }
        if (arcs.empty()) return absl::OkStatus();
        return AddCheckedArcs(arcs, target, [&](int64_t arc, int) {
          return absl::StrCat(neighbors.place(), " element ",
                              begin - static_cast<int64_t>(arcs.size()) + arc);
        });
      });
}

absl::Status ImportAdjacency(const OwnedSparseMatrix& matrix, const std::string& place,
                             ImportTarget& target) {
  const int64_t num_nodes = target.num_nodes();
  if (matrix.num_rows != num_nodes || matrix.num_cols != num_nodes)
    return ArrayError(place, absl::StrCat("[", matrix.num_rows, ", ", matrix.num_cols, "]"),
                      absl::StrCat("an adjacency of ", num_nodes, " x ", num_nodes, " is needed"));
  std::vector<Arc> arcs;
  for (int64_t v = 0; v < num_nodes; ++v) {
    for (int64_t e = matrix.indptr[AsSize(v)]; e < matrix.indptr[AsSize(v) + 1]; ++e)
      arcs.push_back({v, matrix.indices[AsSize(e)]});
    if (static_cast<int64_t>(arcs.size()) < kArrayBlock && v + 1 < num_nodes) continue;
    QH_RETURN_IF_ERROR(target.AddArcs(arcs));
    arcs.clear();
  }
  return absl::OkStatus();
}

}  // namespace quadhop
