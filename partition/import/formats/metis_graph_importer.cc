// METIS's .graph (METIS 5 manual, section 4.1.1): `n m [fmt [ncon]]`, then a line per node with its
// neighbours, counted from 1, each edge at both of its ends; lines that begin with % are comments.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <vector>

#include "core/base/status.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_chunks.h"

namespace quadhop {
namespace {

struct Header {
  int64_t nodes = 0;
  int64_t edges = 0;
  int64_t skipped = 0;  // numbers of a line before its neighbours: a size, weights
  bool edge_weights = false;
  int64_t line = 0;  // from 0
};

absl::StatusOr<Header> ReadHeader(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const HeadLine head, ReadHeadLine(path, "%"));
  Header header;
  header.line = head.number;
  absl::string_view rest = head.text;
  int64_t format = 0, constraints = 1;
  if (!TakeInteger(&rest, &header.nodes) || !TakeInteger(&rest, &header.edges) ||
      header.nodes < 1 || header.edges < 0)
    return LineError(path, head.number, head.text, "the numbers of nodes and of edges are needed");
  if (TakeInteger(&rest, &format)) TakeInteger(&rest, &constraints);
  const int64_t sizes = format / 100, weights = format / 10 % 10, edge_weights = format % 10;
  if (sizes > 1 || weights > 1 || edge_weights > 1 || format < 0 || constraints < 0 ||
      constraints > 1000)
    return LineError(path, head.number, head.text, "fmt is three digits of 0 and 1");
  header.edge_weights = edge_weights == 1;
  header.skipped = sizes + (weights == 1 ? constraints : 0);
  return header;
}

// The lines that are comments, ascending: they do not count when a line's node is found.
absl::StatusOr<std::vector<int64_t>> CommentLines(const std::string& path, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<TextChunks> chunks, TextChunks::Open(path));
  std::mutex mutex;
  std::vector<int64_t> comments;
  auto body = [&](const TextChunk& chunk, int) -> absl::Status {
    if (chunk.text.find('%') == std::string::npos) return absl::OkStatus();
    return ForEachLine(chunk, [&](absl::string_view line, int64_t number) -> absl::Status {
      if (line.empty() || line[0] != '%') return absl::OkStatus();
      std::lock_guard<std::mutex> lock(mutex);
      comments.push_back(number);
      return absl::OkStatus();
    });
  };
  QH_RETURN_IF_ERROR(chunks->ForEach(pool, body).status());
  std::sort(comments.begin(), comments.end());
  return comments;
}

absl::Status AppendNeighbors(const std::string& path, const Header& header, int64_t node,
                             int64_t number, absl::string_view line, std::vector<Arc>* arcs) {
  absl::string_view rest = line;
  int64_t value;
  for (int64_t i = 0; i < header.skipped; ++i)
    if (!TakeInteger(&rest, &value)) return LineError(path, number, line, "weights are missing");
  while (TakeInteger(&rest, &value)) {
    if (value < 1 || value > header.nodes || node >= header.nodes)
      return LineError(
          path, number, line,
          absl::StrCat("neighbours are in [1, ", header.nodes, "], in ", header.nodes, " lines"));
    arcs->push_back({node, value - 1});
    int64_t weight;
    if (header.edge_weights && !TakeInteger(&rest, &weight))
      return LineError(path, number, line, "each neighbour has a weight after it");
  }
  if (!rest.empty()) return LineError(path, number, line, "whole numbers are needed");
  return absl::OkStatus();
}

absl::Status ReadArcs(const std::string& path, const Header& header, ImportTarget& target,
                      ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::vector<int64_t> comments, CommentLines(path, pool));
  std::atomic<int64_t> num_arcs = 0;
  const auto take = [&](absl::string_view line, int64_t number,
                        std::vector<Arc>* arcs) -> absl::Status {
    if (number <= header.line || (!line.empty() && line[0] == '%')) return absl::OkStatus();
    const auto first = std::upper_bound(comments.begin(), comments.end(), header.line);
    const int64_t node =
        number - header.line - 1 - (std::lower_bound(first, comments.end(), number) - first);
    return AppendNeighbors(path, header, node, number, line, arcs);
  };
  QH_RETURN_IF_ERROR(
      ImportArcLines(path, target, pool, take, [&](absl::Span<const Arc> arcs, const TextChunk&) {
        num_arcs += static_cast<int64_t>(arcs.size());
        return target.AddArcs(arcs);
      }));
  if (num_arcs == 2 * header.edges) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, " has ", num_arcs.load(), " neighbours, but its line ", header.line + 1,
                   " says ", header.edges, " edges, each of which must stand twice"));
}

absl::Status ReadMetisGraph(const ImportOptions& options, ImportTarget& target, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Header header, ReadHeader(options.from));
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(header.nodes), options.from));
  QH_RETURN_IF_ERROR(ReadArcs(options.from, header, target, pool));
  if (header.edge_weights) target.AddNote(kWeightsAreNotUsed);
  return ImportCompanions(options, target);
}

bool IsMetisGraph(const std::string& from) {
  std::error_code error;
  return std::filesystem::is_regular_file(from, error) &&
         (absl::EndsWith(from, ".graph") || absl::EndsWith(from, ".graph.gz")) &&
         ReadHeader(from).ok();
}

absl::StatusOr<absl::optional<PrepShape>> MeasureMetisGraph(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const Header header, ReadHeader(options.from));
  return MeasureWithCompanions(options, header.nodes, (options.directed ? 2 : 1) * header.edges);
}

}  // namespace

extern constinit const ImportFormat kMetisGraphFormat = {
    .name = "metis-graph",
    .recognised_by = "a file NAME.graph or NAME.graph.gz",
    .recognises = IsMetisGraph,
    .read = ReadMetisGraph,
    .takes_companions = true,
    .measure = MeasureMetisGraph,
};

}  // namespace quadhop
