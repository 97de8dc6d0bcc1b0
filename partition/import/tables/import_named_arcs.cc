#include "partition/import/tables/import_named_arcs.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <tuple>
#include <vector>

#include "core/base/casts.h"
#include "core/base/counted.h"
#include "core/base/status.h"
#include "partition/import/tables/edge_columns.h"
#include "partition/import/text/input_text.h"
#include "partition/import/text/number_lines.h"
#include "partition/import/text/text_encoding.h"
#include "partition/import/text/text_fields.h"

namespace quadhop {
namespace {

constexpr int64_t kArcsAStray = 10;  // arcs for each stray one, at least
// A name is looked up this many lines after it was read: meanwhile its memory is prefetched.
constexpr size_t kLinesAhead = 16;

// Arcs that name an unknown node: how many, and the first.
struct Strays {
  int64_t count = 0;
  int64_t line = 0;
  size_t column = 0;
  std::string name;
  bool header_is_named = false;  // by one of them

  void Add(const Strays& other) {
    if (other.count > 0 && (count == 0 || other.line < line))
      std::tie(line, column, name) = std::tie(other.line, other.column, other.name);
    count += other.count;
    header_is_named = header_is_named || other.header_is_named;
  }
};

class NamedArcs {
 public:
  NamedArcs(const std::string& path, const NodeTable& table, const NodeNames& names,
            const EdgeColumns& columns)
      : path_(path), table_(table), names_(names), columns_(columns) {}

  // Reads the arcs of a chunk. Thread-safe.
  absl::Status Read(const TextChunk& chunk, ImportTarget& target) {
    QH_RETURN_IF_ERROR(CheckIsUtf8(chunk, path_));
    Found found;
    std::array<Line, kLinesAhead> lines;  // read, and not yet looked up
    size_t num_lines = 0;
    QH_RETURN_IF_ERROR(
        ForEachLine(chunk, [&](absl::string_view text, int64_t number) -> absl::Status {
          if (number == columns_.header() || columns_.IsRemark(text, names_))
            return absl::OkStatus();
          Line& line = lines[num_lines % kLinesAhead];
          if (num_lines++ >= kLinesAhead) LookUp(line, &found);
          QH_ASSIGN_OR_RETURN(line.ends, columns_.TakeNames(text, number, &line.fields));
          line.number = number;
          for (const absl::string_view end : line.ends) names_.Prefetch(end);
          return absl::OkStatus();
        }));
    for (size_t i = num_lines - std::min(num_lines, kLinesAhead); i < num_lines; ++i)
      LookUp(lines[i % kLinesAhead], &found);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      strays_.Add(found.strays);
      num_arcs_ += static_cast<int64_t>(found.arcs.size());
    }
    return target.AddArcs(found.arcs);
  }

  // After all chunks. Many exports have a few strays; if there are many, names are not written
  // alike.
  absl::Status CheckStrays(ImportTarget& target) const {
    if (strays_.header_is_named)
      return table_.HeaderError(
          absl::StrCat(path_, " names a node \"", Shown(table_.NameOfNames()), "\""));
    if (strays_.count == 0) return absl::OkStatus();
    const std::string what = absl::StrCat(
        Counted(strays_.count, "arc"), " of ", strays_.count + num_arcs_,
        strays_.count == 1 ? " names" : " name", " a node that ", table_.path(), " does not have, ",
        strays_.count > 1 ? "first " : "", "\"", Shown(strays_.name), "\" in line ",
        strays_.line + 1, " column ", strays_.column);
    if (strays_.count > (strays_.count + num_arcs_) / kArcsAStray)
      return absl::InvalidArgumentError(
          absl::StrCat(path_, ": ", what, ", more than a tenth. Names are taken from ",
                       table_.path(), " ", table_.NamesColumn(),
                       " (--id takes another, --ends other ends), of which the first is \"",
                       Shown(names_.NameOf(0)),
                       "\": are names written alike in both files, zeros and points included?"));
    target.AddNote(absl::StrCat(what, ": left aside"));
    return absl::OkStatus();
  }

 private:
  struct Line {
    int64_t number = 0;
    Fields fields;
    std::array<absl::string_view, 2> ends;  // views of the fields
  };
  struct Found {
    std::vector<Arc> arcs;
    Strays strays;
  };

  void LookUp(const Line& line, Found* found) const {
    const Arc arc = {names_.NodeOf(line.ends[0]), names_.NodeOf(line.ends[1])};
    if (arc.source == NodeNames::kNone)
      AddStray(line, 0, &found->strays);
    else if (arc.target == NodeNames::kNone)
      AddStray(line, 1, &found->strays);
    else
      found->arcs.push_back(arc);
  }

  void AddStray(const Line& line, int end, Strays* strays) const {
    const absl::string_view header = table_.NameOfNames();
    const absl::string_view name = line.ends[AsSize(end)];
    if (!header.empty() && name == header) strays->header_is_named = true;
    if (strays->count++ > 0) return;
    strays->line = line.number;
    strays->column = columns_.column(end);
    strays->name = std::string(name);
  }

  const std::string& path_;
  const NodeTable& table_;
  const NodeNames& names_;
  const EdgeColumns& columns_;
  std::mutex mutex_;  // guards the rest
  Strays strays_;
  int64_t num_arcs_ = 0;
};

}  // namespace

absl::Status ImportNamedArcs(const std::string& path, const std::string& ends,
                             const NodeTable& table, const NodeNames& names, ImportTarget& target,
                             ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const EdgeColumns columns, EdgeColumns::FindNamed(path, ends, names));
  if (!columns.note().empty()) target.AddNote(columns.note());
  if (columns.num_further() > 0)
    target.AddNote(absl::StrCat("further columns are left aside: ", columns.num_further()));
  NamedArcs arcs(path, table, names, columns);
  QH_RETURN_IF_ERROR(ForEachChunkOf(
      path, target, pool, [&](const TextChunk& chunk) { return arcs.Read(chunk, target); }));
  return arcs.CheckStrays(target);
}

}  // namespace quadhop
