// Which nodes results are wanted for, and the row and the name of each.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/files/file.h"
#include "core/store/store.h"

namespace quadhop {

// What people call the nodes at these places in the input: their names, or the places if the input
// has no names. Reads the names up to the last of these places.
absl::StatusOr<std::vector<std::string>> NamesOfPlaces(const Store& store,
                                                       absl::Span<const int64_t> places);

// Nodes go by the name that they have in the input (original_names.txt of the store), or, if the
// input has no names, by their place there. Immutable; borrows the store.
class NodeSelection {
 public:
  // Every node, in the order of the input.
  static absl::StatusOr<NodeSelection> All(const Store& store);
  // The nodes that a file names, in its order: an .npy of places (i64 or i32), or text with one
  // name per line, blank lines skipped. kInvalidArgument, naming the line, for a node that the
  // store does not have or that is named twice; also if the file names no node.
  static absl::StatusOr<NodeSelection> FromFile(const Store& store, const std::string& path);

  int64_t num_rows() const { return num_rows_; }
  bool all() const { return all_; }
  // The nodes of FromFile, ascending; empty for All.
  const std::vector<GlobalId>& nodes() const { return nodes_; }
  // The row, in [0, num_rows()), of a node that is selected.
  int64_t RowOf(GlobalId node) const;

  // Names of rows, asked for in the order 0, 1, ...; asking for 0 begins again.
  class Names {
   public:
    static absl::StatusOr<Names> Open(const NodeSelection& selection);
    std::string Of(int64_t row);

   private:
    const NodeSelection* selection_ = nullptr;
    MappedFile file_;  // original_names.txt, if all nodes are selected
    const uint8_t* next_ = nullptr;
  };

 private:
  explicit NodeSelection(const Store& store) : store_(&store) {}

  const Store* store_;
  bool all_ = true;
  int64_t num_rows_ = 0;
  absl::Span<const int64_t> original_ids_;  // [N]
  std::vector<GlobalId> nodes_;             // ascending
  std::vector<int64_t> rows_;               // of each of nodes_
  std::vector<std::string> names_;          // [rows], of FromFile
};

}  // namespace quadhop
