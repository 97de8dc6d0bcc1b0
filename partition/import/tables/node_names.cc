#include "partition/import/tables/node_names.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "core/memory/host_memory.h"
#include "partition/import/text/text_encoding.h"

namespace quadhop {

int64_t NodeNames::Bytes(int64_t text_bytes, int64_t num_nodes) {
  // A view, a number and a byte of the table, which is at least 7/16 full.
  constexpr int64_t kBytesANode = (16 + 8 + 1) * 16 / 7;
  return text_bytes + num_nodes * kBytesANode;
}

absl::Status NodeNames::CheckFit(int64_t text_bytes, int64_t num_nodes, int64_t max_bytes,
                                 absl::string_view place) {
  const int64_t num_bytes = Bytes(text_bytes, num_nodes);
  if (num_bytes <= max_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(place, ": the names of ", num_nodes, " nodes take ", BytesText(num_bytes),
                   ", but only ", BytesText(max_bytes),
                   " may be used for them: raise --memory, or number the nodes from 0 on "
                   "and give their data as .npy"));
}

absl::StatusOr<std::unique_ptr<const NodeNames>> NodeNames::Make(std::string text,
                                                                 const std::string& place,
                                                                 int64_t first_line,
                                                                 absl::string_view column) {
  const auto line_of = [&](int64_t node) { return absl::StrCat("line ", first_line + node + 1); };
  std::unique_ptr<NodeNames> names(new NodeNames(std::move(text)));
  absl::string_view rest = names->text_;
  names->nodes_.reserve(static_cast<size_t>(std::count(rest.begin(), rest.end(), '\n')));
  for (int64_t node = 0; !rest.empty(); ++node) {
    const absl::string_view name = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(name.size() + 1);
    if (name.empty())
      return absl::InvalidArgumentError(
          absl::StrCat(place, " ", line_of(node), " names no node: every line is one node"));
    const auto [found, is_new] = names->nodes_.try_emplace(name, node);
    if (!is_new)
      return absl::InvalidArgumentError(absl::StrCat(
          place, " ", line_of(node), ": node \"", Shown(name), "\" stands in ",
          line_of(found->second), " too; names of nodes are taken from ", column,
          " (--id takes another), and every line is one node: or is this the list of edges?"));
  }
  return names;
}

std::string NodeNames::NameOf(int64_t node) const {
  absl::string_view rest = text_;
  for (int64_t before = 0; before < node; ++before) rest.remove_prefix(rest.find('\n') + 1);
  return std::string(rest.substr(0, rest.find('\n')));
}

int64_t NodeNames::NodeOf(absl::string_view name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? kNone : found->second;
}

}  // namespace quadhop
