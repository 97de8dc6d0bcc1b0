// Which nodes results are wanted of, and the row and the name of each.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/optional.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/file.h"
#include "core/ids.h"
#include "core/store.h"

namespace quadhop {

// How people know nodes that stand at these places in the input: their names, or the places where
// the input has none. Reads the names up to the last of them.
absl::StatusOr<std::vector<std::string>> NamesOfPlaces(const Store& store,
                                                       absl::Span<const int64_t> places);

// Nodes go by the name they have in the input (original_names.txt of the store), or where the input
// has no names, by the place they have there. Immutable; borrows the store.
class NodeSelection {
 public:
  // Every node, in the order of the input.
  static absl::StatusOr<NodeSelection> All(const Store& store);
  // The nodes that a file names, in its order: an .npy of places (i64 or i32), or text, a name a
  // line, blank lines passed over. kInvalidArgument, naming the line, for a node that the store has
  // not, or that is named twice; or if there is none.
  static absl::StatusOr<NodeSelection> FromFile(const Store& store, const std::string& path);

  int64_t num_rows() const { return num_rows_; }
  bool all() const { return all_; }
  // Those of FromFile, ascending; of All, empty.
  const std::vector<GlobalId>& nodes() const { return nodes_; }
  // In [0, num_rows()), of a node that is selected.
  int64_t RowOf(GlobalId node) const;

  // Names of rows 0, 1, ... in turn; from 0 again when 0 is asked for.
  class Names {
   public:
    static absl::StatusOr<Names> Open(const NodeSelection& selection);
    std::string Of(int64_t row);

   private:
    const NodeSelection* selection_ = nullptr;
    MappedFile file_;  // original_names.txt, where all nodes are selected
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
