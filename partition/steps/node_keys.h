// What the random numbers of a node are keyed by, in place of its number: then they stay when other
// nodes are added, or stand in another order.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <vector>

#include "core/store/store.h"

namespace quadhop {

// A name that is a whole number, as ids are written, has that number as its key, because nodes
// whose ids have no gaps have no names; any other name a hash of it.
int64_t KeyOfName(absl::string_view name);

// [N]: those of names that stand one a line.
std::vector<int64_t> KeysOfNames(absl::string_view lines);

// [N], in the order of the store: those of the nodes' names. Empty if they have none: then original
// ids are the keys. Takes 16 bytes a node. Errors are the store's.
absl::StatusOr<std::vector<int64_t>> KeysOfNodes(const Store& store);

}  // namespace quadhop
