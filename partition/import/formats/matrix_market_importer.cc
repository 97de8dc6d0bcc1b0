// Matrix Market, https://math.nist.gov/MatrixMarket/formats.html: a square matrix in coordinates,
// one arc per entry; `symmetric`, `skew-symmetric` and `hermitian` ones hold one triangle, and both
// directions are made of each entry.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <atomic>
#include <vector>

#include "core/base/status.h"
#include "partition/import/formats/import_arcs.h"
#include "partition/import/formats/import_format.h"
#include "partition/import/formats/import_node_data.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_chunks.h"
#include "partition/import/text/text_source.h"

namespace quadhop {
namespace {

constexpr absl::string_view kBanner = "%%MatrixMarket";

absl::StatusOr<std::string> ReadBanner(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenText(path));
  std::string head(1024, '\0');
  QH_ASSIGN_OR_RETURN(const int64_t count, source->Read(absl::MakeSpan(head.data(), head.size())));
  head.resize(static_cast<size_t>(count));
  return head.substr(0, head.find('\n'));
}

struct Sizes {
  bool one_triangle = false;
  int64_t nodes = 0;
  int64_t entries = 0;
  int64_t line = 0;  // where they stand, from 0
};

absl::StatusOr<Sizes> ReadSizes(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const std::string banner, ReadBanner(path));
  const std::vector<std::string> words =
      absl::StrSplit(absl::AsciiStrToLower(banner), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (words.size() != 5 || words[1] != "matrix" || words[2] != "coordinate")
    return LineError(path, 0, banner, "%%MatrixMarket matrix coordinate FIELD SYMMETRY is needed");
  Sizes sizes;
  sizes.one_triangle = words[4] != "general";
  QH_ASSIGN_OR_RETURN(const HeadLine head, ReadHeadLine(path, "%"));
  sizes.line = head.number;
  absl::string_view rest = head.text;
  int64_t columns;
  if (!TakeInteger(&rest, &sizes.nodes) || !TakeInteger(&rest, &columns) ||
      !TakeInteger(&rest, &sizes.entries) || sizes.nodes < 1 || sizes.entries < 0)
    return LineError(path, head.number, head.text, "rows, columns and entries are needed");
  if (sizes.nodes != columns)
    return LineError(path, head.number, head.text, "a graph is a square matrix");
  return sizes;
}

absl::Status ReadArcs(const std::string& path, const Sizes& sizes, ImportTarget& target,
                      ThreadPool& pool) {
  std::atomic<int64_t> entries = 0;
  std::atomic<bool> have_weights = false;
  const auto take = [&](absl::string_view line, int64_t number,
                        std::vector<Arc>* arcs) -> absl::Status {
    absl::string_view rest = absl::StripAsciiWhitespace(line);
    if (number <= sizes.line || rest.empty() || rest[0] == '%') return absl::OkStatus();
    Arc arc;
    if (!TakeInteger(&rest, &arc.source) || !TakeInteger(&rest, &arc.target) || arc.source < 1 ||
        arc.source > sizes.nodes || arc.target < 1 || arc.target > sizes.nodes)
      return LineError(
          path, number, line,
          absl::StrCat("a row and a column, each in [1, ", sizes.nodes, "], are needed"));
    double weight = 1;
    if (absl::SimpleAtod(rest, &weight) && weight != 1) have_weights = true;
    arc = {arc.source - 1, arc.target - 1};
    ++entries;
    arcs->push_back(arc);
    if (sizes.one_triangle && arc.source != arc.target) arcs->push_back({arc.target, arc.source});
    return absl::OkStatus();
  };
  QH_RETURN_IF_ERROR(ImportArcLines(
      path, target, pool, take,
      [&](absl::Span<const Arc> arcs, const TextChunk&) { return target.AddArcs(arcs); }));
  if (have_weights) target.AddNote(kWeightsAreNotUsed);
  if (entries == sizes.entries) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, " has ", entries.load(),
                                                 " entries, but its line ", sizes.line + 1,
                                                 " says ", sizes.entries));
}

absl::Status ReadMatrixMarket(const ImportOptions& options, ImportTarget& target,
                              ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(options.from));
  QH_RETURN_IF_ERROR(Annotate(target.SetNodes(sizes.nodes), options.from));
  QH_RETURN_IF_ERROR(ReadArcs(options.from, sizes, target, pool));
  return ImportCompanions(options, target);
}

bool IsMatrixMarket(const std::string& from) {
  const absl::StatusOr<std::string> banner = ReadBanner(from);
  return banner.ok() && absl::StartsWithIgnoreCase(*banner, kBanner);
}

absl::StatusOr<absl::optional<PrepShape>> MeasureMatrixMarket(const ImportOptions& options) {
  QH_ASSIGN_OR_RETURN(const Sizes sizes, ReadSizes(options.from));
  const int64_t arcs_an_entry = sizes.one_triangle && options.directed ? 2 : 1;
  return MeasureWithCompanions(options, sizes.nodes, arcs_an_entry * sizes.entries);
}

}  // namespace

extern constinit const ImportFormat kMatrixMarketFormat = {
    .name = "matrix-market",
    .recognised_by = "a file that begins with %%MatrixMarket",
    .recognises = IsMatrixMarket,
    .read = ReadMatrixMarket,
    .takes_companions = true,
    .measure = MeasureMatrixMarket,
};

}  // namespace quadhop
