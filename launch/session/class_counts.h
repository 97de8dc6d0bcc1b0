// How many nodes each class has to learn from, and to be judged by.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/store/store.h"

namespace quadhop {

// The labelled nodes of a class.
struct NodesOfClass {
  std::array<int64_t, 4> by_part{};  // by SplitPart

  int64_t In(SplitPart part) const { return by_part[static_cast<size_t>(part)]; }
};

// By class, for classes that have labelled nodes. A map: one stray label can give a store of few
// nodes billions of classes.
using ClassCounts = absl::flat_hash_map<int32_t, NodesOfClass>;

// Whether the store has classes to count: labels, one a node, and splits.
bool HasClassesToCount(const Store& store);

// Of `split`; "" is the default one. The store's labels are classes. Reads all of them; skips
// labels and parts out of range. Errors are the store's.
absl::StatusOr<ClassCounts> CountClasses(const Store& store, const std::string& split);

// Of a store of two classes, the one with fewer training nodes in `split`; of equal ones, the
// second. Errors are the store's.
absl::StatusOr<int32_t> RarerClass(const Store& store, const std::string& split);

// Its name, or its number if classes have no names.
std::string ClassName(const StoreManifest& manifest, int32_t label);

}  // namespace quadhop
