// SNAP's edge lists, https://snap.stanford.edu/data: two node ids per line, plain or gzip; lines
// that begin with # or % are comments. Columns and headers: edge_columns.h.
//
// With --features or --labels, ids are the numbers of their rows. Without, ids may have gaps: nodes
// are numbered in the order of their ids, which original_names.txt keeps.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/base/status.h"
#include "core/threads/parallel_status.h"
#include "partition/import/formats/foreign_formats.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/formats/node_ids.h"
#include "partition/import/tables/edge_columns.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_chunks.h"
#include "partition/scratch/scratch_file.h"

namespace quadhop {
namespace {

constexpr int64_t kArcsABlock = int64_t{1} << 17;
constexpr absl::string_view kComments = "#%";

// Whether the line begins with two numbers.
bool IsEdge(absl::string_view line) {
  int64_t source, target;
  return TakeInteger(&line, &source) && TakeInteger(&line, &target);
}

class EdgeListImporter {
 public:
  absl::Status Read(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
    path_ = options.from;
    QH_ASSIGN_OR_RETURN(columns_, EdgeColumns::Find(path_, options.ends, kComments));
    if (!columns_->note().empty()) target.AddNote(columns_->note());
    if (columns_->num_further() > 0)
      target.AddNote(absl::StrCat("further columns are left aside: ", columns_->num_further()));
    QH_ASSIGN_OR_RETURN(const bool are_rows, SetNodesOfCompanions(options, target));
    if (are_rows) {
      QH_RETURN_IF_ERROR(ForEachArcs(
          target, pool, [&](const std::vector<Arc>& arcs, const std::vector<int64_t>& lines) {
            return AddCheckedArcs(arcs, target, [&](int64_t i, int end) {
              return absl::StrCat(path_, " line ", lines[static_cast<size_t>(i)] + 1, " column ",
                                  columns_->column(end));
            });
          }));
    } else {
      QH_RETURN_IF_ERROR(ReadAnyIds(target, pool));
    }
    return ImportCompanions(options, target);
  }

 private:
  // Calls add(arcs, the line of each) on all threads.
  template <typename Add>
  absl::Status ForEachArcs(ImportTarget& target, ThreadPool& pool, const Add& add) {
    return ForEachChunkOf(path_, target, pool, [&](const TextChunk& chunk) -> absl::Status {
      std::vector<Arc> arcs;
      std::vector<int64_t> lines;
      QH_RETURN_IF_ERROR(
          ForEachLine(chunk, [&](absl::string_view line, int64_t number) -> absl::Status {
            if (IsComment(line, kComments) || number == columns_->header()) return absl::OkStatus();
            QH_ASSIGN_OR_RETURN(const Arc arc, columns_->Take(line, number));
            arcs.push_back(arc);
            lines.push_back(number);
            return absl::OkStatus();
          }));
      return add(arcs, lines);
    });
  }

  // kInvalidArgument if the first line, "7 12" before 12 others with ids up to 6 or 7, is likely to
  // hold the numbers of nodes and arcs. `others` is of the ids in those.
  absl::Status CheckBeginsWithAnArc(const HeadLine& first, int64_t num_others,
                                    const NodeIds::Range& others) const {
    QH_ASSIGN_OR_RETURN(const Arc counts, columns_->Take(first.text, first.number));
    if (counts.target != num_others ||
        (others.most != counts.source - 1 && others.most != counts.source))
      return absl::OkStatus();
    return LineError(path_, first.number, first.text,
                     absl::StrCat("these may be the numbers of nodes and arcs, since ", num_others,
                                  " lines follow and their largest id is ", others.most.load(),
                                  ". If so, put # before them; if it is an arc, move it down"));
  }

  // How many nodes there are is known only at the end: until then arcs wait on disk.
  absl::Status ReadAnyIds(ImportTarget& target, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<ScratchFile> scratch,
                        ScratchFile::Create(target.scratch_folder()));
    QH_ASSIGN_OR_RETURN(const HeadLine first,
                        ReadHeadLine(path_, kComments, columns_->header() + 1));
    NodeIds::Range range, others;
    QH_RETURN_IF_ERROR(ForEachArcs(
        target, pool,
        [&](const std::vector<Arc>& arcs, const std::vector<int64_t>& lines) -> absl::Status {
          for (size_t i = 0; i < arcs.size(); ++i) {
            for (const int64_t id : {arcs[i].source, arcs[i].target}) {
              range.Include(id);
              if (lines[i] != first.number) others.Include(id);
            }
          }
          return scratch->Append(arcs.data(), static_cast<int64_t>(arcs.size() * sizeof(Arc)))
              .status();
        }));
    const int64_t num_arcs = scratch->num_bytes() / static_cast<int64_t>(sizeof(Arc));
    QH_RETURN_IF_ERROR(CheckBeginsWithAnArc(first, num_arcs - 1, others));
    QH_ASSIGN_OR_RETURN(NodeIds ids, NodeIds::Make(range, path_, target.memory_bytes() / 2));
    QH_RETURN_IF_ERROR(ForEachKept(*scratch, pool, [&](absl::Span<const Arc> arcs) {
      std::vector<int64_t> both;
      for (const Arc& arc : arcs) both.insert(both.end(), {arc.source, arc.target});
      return ids.Add(both);
    }));
    QH_RETURN_IF_ERROR(ids.Number());
    QH_RETURN_IF_ERROR(SetNodes(ids, path_, target));
    return ForEachKept(*scratch, pool, [&](absl::Span<Arc> arcs) {
      for (Arc& arc : arcs) arc = {ids.NodeOf(arc.source), ids.NodeOf(arc.target)};
      return target.AddArcs(arcs);
    });
  }

  // On all threads.
  template <typename Visit>
  static absl::Status ForEachKept(const ScratchFile& scratch, ThreadPool& pool,
                                  const Visit& visit) {
    constexpr auto kArcBytes = static_cast<int64_t>(sizeof(Arc));
    const int64_t num_arcs = scratch.num_bytes() / kArcBytes;
    return ParallelForBlocks(pool, num_arcs, kArcsABlock, [&](BlockRange range) -> absl::Status {
      std::vector<Arc> arcs(static_cast<size_t>(range.end - range.begin));
      QH_RETURN_IF_ERROR(scratch.ReadAt(range.begin * kArcBytes, arcs.data(),
                                        (range.end - range.begin) * kArcBytes));
      return visit(absl::MakeSpan(arcs));
    });
  }

  std::string path_;
  std::optional<EdgeColumns> columns_;
};

bool IsEdgeList(const std::string& from) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(from, error)) return false;
  const absl::StatusOr<HeadLine> head = ReadHeadLine(from, kComments);
  if (!head.ok()) return false;
  if (IsEdge(head->text)) return true;
  if (std::any_of(head->text.begin(), head->text.end(), [](char c) {
        return c != '\t' && absl::ascii_iscntrl(static_cast<unsigned char>(c));
      }))
    return false;
  // A header before edges; or a wrong line in a file whose name says what it is.
  const absl::StatusOr<HeadLine> next = ReadHeadLine(from, kComments, head->number + 1);
  const std::string name = std::filesystem::path(from).filename();
  return (next.ok() && IsEdge(next->text)) ||
         ((absl::StrContains(name, "edge") || absl::StrContains(name, ".csv")) &&
          CheckNotForeign(from).ok());
}

// What a comment of SNAP's says, "# Nodes: 317080 Edges: 1049866"; 0 if it does not.
int64_t NodesOfComment(absl::string_view line) {
  constexpr absl::string_view kName = "Nodes:";
  const size_t at = line.find(kName);
  if (at == absl::string_view::npos) return 0;
  absl::string_view rest = line.substr(at + kName.size());
  int64_t count;
  return TakeInteger(&rest, &count) ? std::max<int64_t>(count, 0) : 0;
}

// By the lines of the first chunk, and the ids in them: even in lists ordered by source, the
// targets are of all nodes.
absl::StatusOr<absl::optional<PrepShape>> MeasureEdgeList(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const EdgeColumns columns,
                      EdgeColumns::Find(options.from, options.ends, kComments));
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(options.from));
  const TextChunk& head = chunks->first();
  int64_t num_arcs = 0, most_id = 0, said_nodes = 0;
  QH_RETURN_IF_ERROR(ForEachLine(head, [&](absl::string_view line, int64_t number) -> absl::Status {
    said_nodes = std::max(said_nodes, IsComment(line, kComments) ? NodesOfComment(line) : 0);
    if (IsComment(line, kComments) || number == columns.header()) return absl::OkStatus();
    QH_ASSIGN_OR_RETURN(const Arc arc, columns.Take(line, number));
    most_id = std::max({most_id, arc.source, arc.target});
    ++num_arcs;
    return absl::OkStatus();
  }));
  if (num_arcs == 0) return absl::nullopt;
  PrepShape shape;
  shape.arcs = std::llround(static_cast<double>(num_arcs) / head.share_read);
  // Every node is in an arc.
  const int64_t last_node = said_nodes > 0 ? said_nodes - 1 : most_id;
  shape.nodes = std::min(last_node, 2 * shape.arcs - 1) + 1;
  QH_ASSIGN_OR_RETURN(const absl::optional<CompanionShape> companions, MeasureCompanions(options));
  shape.estimated = head.share_read < 1 || !companions.has_value();
  if (companions.has_value()) shape.nodes = companions->nodes;
  if (companions.has_value()) shape.features = companions->features;
  return shape;
}

}  // namespace

extern constinit const ImportFormat kEdgeListFormat = {
    .name = "edge-list",
    .recognised_by = "a text, plain or gzip, of two numbers per line",
    .recognises = IsEdgeList,
    .read = [](const ImportOptions& options, ImportTarget& target,
               ThreadPool& pool) { return EdgeListImporter().Read(options, target, pool); },
    .takes_companions = true,
    .takes_ends = true,
    .measure = MeasureEdgeList,
};

}  // namespace quadhop
