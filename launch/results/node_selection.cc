#include "launch/results/node_selection.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/arrays/npy.h"
#include "core/base/status.h"
#include "partition/import/text/text_fields.h"

namespace quadhop {
namespace {

std::string NamesPath(const Store& store) {
  return absl::StrCat(store.path(), "/", kOriginalNames);
}

// A node as a file names it.
struct Chosen {
  std::string name;
  int64_t line;  // from 1; in an .npy the number of its value
};

// Skips blank lines.
std::vector<Chosen> Lines(absl::string_view text) {
  std::vector<Chosen> chosen;
  int64_t line = 0;
  for (absl::string_view name : absl::StrSplit(text, '\n')) {
    ++line;
    absl::ConsumeSuffix(&name, "\r");
    if (!absl::StripAsciiWhitespace(name).empty()) chosen.push_back({std::string(name), line});
  }
  return chosen;
}

absl::string_view NextLine(const uint8_t*& next, const uint8_t* end) {
  const auto* const begin = next;
  const auto rest = static_cast<size_t>(end - begin);
  const auto* stop = rest == 0 ? end : static_cast<const uint8_t*>(std::memchr(begin, '\n', rest));
  if (stop == nullptr) stop = end;
  next = stop == end ? end : stop + 1;
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(stop - begin)};
}

absl::Status NoSuchNode(const std::string& path, const Chosen& node, const std::string& allowed) {
  return absl::InvalidArgumentError(absl::StrCat(
      path, " line ", node.line, ": the store has no node ", node.name, "; allowed: ", allowed));
}

// The text of a field in quotes, as predict writes names that hold commas or quotes (CsvField).
std::string Unquoted(const std::string& field) {
  const Fields fields(field, ',');
  return field.front() == '"' && fields.size() == 1 ? std::string(fields[0]) : field;
}

// The place in the input of each name: the number of its line in the names' file.
absl::StatusOr<std::vector<int64_t>> PlacesOfNames(const Store& store, const std::string& path,
                                                   const std::vector<Chosen>& nodes) {
  absl::flat_hash_map<std::string, int64_t> places;
  for (const Chosen& node : nodes)
    for (const std::string& name : {node.name, Unquoted(node.name)}) places.emplace(name, -1);
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(NamesPath(store)));
  const uint8_t *next = file.bytes().data(), *const end = next + file.bytes().size();
  for (int64_t place = 0; next != end; ++place) {
    const auto found = places.find(NextLine(next, end));
    if (found != places.end()) found->second = place;
  }
  std::vector<int64_t> result;
  for (const Chosen& node : nodes) {
    const int64_t as_it_stands = places[node.name];
    result.push_back(as_it_stands >= 0 ? as_it_stands : places[Unquoted(node.name)]);
    if (result.back() < 0)
      return NoSuchNode(path, node, absl::StrCat("the lines of ", NamesPath(store)));
  }
  return result;
}

absl::StatusOr<std::vector<int64_t>> PlacesOfNumbers(const Store& store, const std::string& path,
                                                     const std::vector<Chosen>& nodes) {
  std::vector<int64_t> places;
  for (const Chosen& node : nodes) {
    int64_t place = -1;
    if (!absl::SimpleAtoi(node.name, &place) || place < 0 || place >= store.num_nodes())
      return NoSuchNode(path, node, absl::StrCat("[0, ", store.num_nodes(), ")"));
    places.push_back(place);
  }
  return places;
}

// The row of each place. An error if a node is named twice.
absl::StatusOr<absl::flat_hash_map<int64_t, int64_t>> RowsOfPlaces(
    const std::string& path, const std::vector<Chosen>& nodes, const std::vector<int64_t>& places) {
  absl::flat_hash_map<int64_t, int64_t> rows;
  for (size_t row = 0; row < places.size(); ++row) {
    const auto [first, fresh] = rows.emplace(places[row], static_cast<int64_t>(row));
    if (!fresh)
      return absl::InvalidArgumentError(absl::StrCat(
          path, " line ", nodes[row].line, ": node ", nodes[row].name,
          " was named before, in line ", nodes[static_cast<size_t>(first->second)].line));
  }
  return rows;
}

absl::StatusOr<std::vector<Chosen>> ReadNpyPlaces(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const NpyFile file, NpyFile::Open(path));
  std::vector<Chosen> nodes;
  const auto add = [&nodes](int64_t place) {
    nodes.push_back({absl::StrCat(place), static_cast<int64_t>(nodes.size()) + 1});
  };
  if (file.header().dtype == DType::kI64) {
    for (const int64_t place : file.values<int64_t>()) add(place);
  } else if (file.header().dtype == DType::kI32) {
    for (const int32_t place : file.values<int32_t>()) add(place);
  } else {
    return absl::InvalidArgumentError(absl::StrCat(path, " holds ", DTypeName(file.header().dtype),
                                                   "; places of nodes are i64 or i32 "
                                                   "(numpy.flatnonzero has those of a mask)"));
  }
  return nodes;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> NamesOfPlaces(const Store& store,
                                                       absl::Span<const int64_t> places) {
  std::vector<std::string> names;
  for (const int64_t place : places) names.push_back(absl::StrCat(place));
  if (!store.HasFile(kOriginalNames)) return names;
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(NamesPath(store)));
  const uint8_t *next = file.bytes().data(), *const end = next + file.bytes().size();
  std::vector<std::pair<int64_t, size_t>> wanted;  // place, index
  for (const int64_t place : places) wanted.emplace_back(place, wanted.size());
  std::sort(wanted.begin(), wanted.end());
  auto at = wanted.begin();
  for (int64_t place = 0; next != end && at != wanted.end(); ++place) {
    const absl::string_view name = NextLine(next, end);
    for (; at != wanted.end() && at->first == place; ++at) names[at->second] = std::string(name);
  }
  return names;
}

absl::StatusOr<NodeSelection> NodeSelection::All(const Store& store) {
  NodeSelection selection(store);
  QH_ASSIGN_OR_RETURN(selection.original_ids_, store.original_ids());
  selection.num_rows_ = store.num_nodes();
  for (const int64_t place : selection.original_ids_)
    if (place < 0 || place >= store.num_nodes())
      return absl::DataLossError(absl::StrCat(store.path(), " has a node with the original id ",
                                              place, "; allowed: [0, ", store.num_nodes(),
                                              "): import it again"));
  return selection;
}

absl::StatusOr<NodeSelection> NodeSelection::FromFile(const Store& store, const std::string& path) {
  NodeSelection selection(store);
  QH_ASSIGN_OR_RETURN(selection.original_ids_, store.original_ids());
  std::vector<Chosen> chosen;
  const bool npy = absl::EndsWith(path, ".npy");
  if (npy) {
    QH_ASSIGN_OR_RETURN(chosen, ReadNpyPlaces(path));
  } else {
    QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    chosen = Lines(absl::StripPrefix(text, kByteOrderMark));
  }
  if (chosen.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " names no node"));
  const bool named = store.HasFile(kOriginalNames) && !npy;
  QH_ASSIGN_OR_RETURN(
      const std::vector<int64_t> places,
      named ? PlacesOfNames(store, path, chosen) : PlacesOfNumbers(store, path, chosen));
  QH_ASSIGN_OR_RETURN(const auto rows, RowsOfPlaces(path, chosen, places));
  for (size_t v = 0; v < selection.original_ids_.size(); ++v) {
    const auto found = rows.find(selection.original_ids_[v]);
    if (found == rows.end()) continue;
    selection.nodes_.emplace_back(static_cast<int64_t>(v));
    selection.rows_.push_back(found->second);
  }
  QH_ASSIGN_OR_RETURN(selection.names_, NamesOfPlaces(store, places));
  selection.all_ = false;
  selection.num_rows_ = static_cast<int64_t>(places.size());
  return selection;
}

int64_t NodeSelection::RowOf(GlobalId node) const {
  if (all_) return original_ids_[static_cast<size_t>(node.value())];
  const auto place = std::lower_bound(nodes_.begin(), nodes_.end(), node);
  return rows_[static_cast<size_t>(place - nodes_.begin())];
}

absl::StatusOr<NodeSelection::Names> NodeSelection::Names::Open(const NodeSelection& selection) {
  Names names;
  names.selection_ = &selection;
  if (selection.all_ && selection.store_->HasFile(kOriginalNames)) {
    QH_ASSIGN_OR_RETURN(names.file_, MappedFile::Open(NamesPath(*selection.store_)));
  }
  return names;
}

std::string NodeSelection::Names::Of(int64_t row) {
  if (!selection_->all_) return selection_->names_[static_cast<size_t>(row)];
  if (file_.bytes().empty()) return absl::StrCat(row);
  if (row == 0) next_ = file_.bytes().data();
  return std::string(NextLine(next_, file_.bytes().data() + file_.bytes().size()));
}

}  // namespace quadhop
