// Names of nodes, by which other files speak of them.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quadhop {

// Node i has the name in line i of a text. Immutable,
// and so thread-safe.
class NodeNames {
 public:
  static constexpr int64_t kNone = -1;

  // Memory of so many names in a text.
  static int64_t Bytes(int64_t text_bytes, int64_t num_nodes);
  // kResourceExhausted if they take more than max_bytes.
  static absl::Status CheckFit(int64_t text_bytes, int64_t num_nodes, int64_t max_bytes,
                               absl::string_view place);

  // `text` is as original_names.txt of a store: a name a line, each line with its end. `place` is
  // of it, the name of node 0 is in its line `first_line`, from 0, and `column` is where: all for
  // errors.
  // kInvalidArgument for a name that is empty or that two nodes have.
  static absl::StatusOr<std::unique_ptr<const NodeNames>> Make(std::string text,
                                                               const std::string& place,
                                                               int64_t first_line,
                                                               absl::string_view column);
  NodeNames(const NodeNames&) = delete;
  NodeNames& operator=(const NodeNames&) = delete;

  int64_t num_nodes() const { return static_cast<int64_t>(ends_.size()); }
  const std::string& text() const { return text_; }
  absl::string_view NameOf(int64_t node) const;
  int64_t NodeOf(absl::string_view name) const;  // kNone: no node has it

 private:
  // A node is hashed and compared by its name, so that names need not be stored twice.
  struct HashOfName {
    using is_transparent = void;
    const NodeNames* names;
    size_t operator()(absl::string_view name) const;
    size_t operator()(int64_t node) const { return (*this)(names->NameOf(node)); }
  };
  struct SameName {
    using is_transparent = void;
    const NodeNames* names;
    bool operator()(int64_t node, absl::string_view name) const {
      return names->NameOf(node) == name;
    }
    bool operator()(absl::string_view name, int64_t node) const { return (*this)(node, name); }
    bool operator()(int64_t a, int64_t b) const { return names->NameOf(a) == names->NameOf(b); }
  };

  explicit NodeNames(std::string text) : text_(std::move(text)) {}

  std::string text_;
  std::vector<int64_t> ends_;  // [N], of the line of each, without its end
  absl::flat_hash_set<int64_t, HashOfName, SameName> nodes_{0, HashOfName{this}, SameName{this}};
};

}  // namespace quadhop
