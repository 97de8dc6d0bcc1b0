#include "partition/import/formats/node_names.h"

#include <absl/hash/hash.h>
#include <absl/status/status.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/host_memory.h"

namespace quadhop {

int64_t NodeNames::Bytes(int64_t text_bytes, int64_t num_nodes) {
  // The end of its line; its number and a byte of the table, which is at least 7/16 full.
  constexpr int64_t kBytesANode = 8 + 9 * 16 / 7;
  return text_bytes + num_nodes * kBytesANode;
}

size_t NodeNames::HashOfName::operator()(absl::string_view name) const {
  return absl::Hash<absl::string_view>()(name);
}

absl::Status NodeNames::CheckFit(int64_t text_bytes, int64_t num_nodes, int64_t max_bytes,
                                 absl::string_view place) {
  const int64_t num_bytes = Bytes(text_bytes, num_nodes);
  if (num_bytes <= max_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(place, ": the names of ", num_nodes, " nodes take ", Gigabytes(num_bytes),
                   ", and ", Gigabytes(max_bytes),
                   " may be used for them: raise --memory, or number the nodes from 0 on "
                   "and give their data as .npy"));
}

absl::StatusOr<std::unique_ptr<const NodeNames>> NodeNames::Make(std::string text,
                                                                 const std::string& place,
                                                                 int64_t first_line,
                                                                 absl::string_view column) {
  const int64_t num_nodes = std::count(text.begin(), text.end(), '\n');
  const auto line_of = [&](int64_t node) { return absl::StrCat("line ", first_line + node + 1); };
  std::unique_ptr<NodeNames> names(new NodeNames(std::move(text)));
  names->ends_.reserve(static_cast<size_t>(num_nodes));
  names->nodes_.reserve(static_cast<size_t>(num_nodes));
  for (int64_t node = 0; node < num_nodes; ++node) {
    const size_t begin = node == 0 ? 0 : static_cast<size_t>(names->ends_.back()) + 1;
    names->ends_.push_back(static_cast<int64_t>(names->text_.find('\n', begin)));
    if (names->NameOf(node).empty())
      return absl::InvalidArgumentError(
          absl::StrCat(place, " ", line_of(node), " names no node: every line is one node"));
    const auto [found, is_new] = names->nodes_.insert(node);
    if (!is_new)
      return absl::InvalidArgumentError(absl::StrCat(
          place, " ", line_of(node), ": node \"", absl::CHexEscape(names->NameOf(node)),
          "\" stands in ", line_of(*found), " too; names of nodes are taken from ", column,
          " (--id takes another), and every line is one node: or is this the list of edges?"));
  }
  return names;
}

absl::string_view NodeNames::NameOf(int64_t node) const {
  const auto at = static_cast<size_t>(node);
  const int64_t begin = node == 0 ? 0 : ends_[at - 1] + 1;
  return absl::string_view(text_).substr(static_cast<size_t>(begin),
                                         static_cast<size_t>(ends_[at] - begin));
}

int64_t NodeNames::NodeOf(absl::string_view name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? kNone : *found;
}

}  // namespace quadhop
