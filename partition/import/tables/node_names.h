// Names of nodes, by which other files refer to them.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace quadhop {

// Node i has the name in line i of a text. Immutable, and so thread-safe.
class NodeNames {
 public:
  static constexpr int64_t kNone = -1;

  // Memory for so many names in a text.
  static int64_t Bytes(int64_t text_bytes, int64_t num_nodes);
  // kResourceExhausted if they take more than max_bytes.
  static absl::Status CheckFit(int64_t text_bytes, int64_t num_nodes, int64_t max_bytes,
                               absl::string_view place);

  // `text` is as original_names.txt of a store: a name a line, each line with its end. `place` is
  // where the text comes from, the name of node 0 is in line `first_line` there, from 0, and
  // `column` says in which column: all for errors. kInvalidArgument for a name that is empty or
  // that two nodes have.
  static absl::StatusOr<std::unique_ptr<const NodeNames>> Make(std::string text,
                                                               const std::string& place,
                                                               int64_t first_line,
                                                               absl::string_view column);
  NodeNames(const NodeNames&) = delete;
  NodeNames& operator=(const NodeNames&) = delete;

  int64_t num_nodes() const { return static_cast<int64_t>(nodes_.size()); }
  const std::string& text() const { return text_; }
  std::string NameOf(int64_t node) const;        // for errors: it goes through the text
  int64_t NodeOf(absl::string_view name) const;  // kNone: no node has it
  // Prefetches the memory that NodeOf will need first.
  void Prefetch(absl::string_view name) const { nodes_.prefetch(name); }

 private:
  explicit NodeNames(std::string text) : text_(std::move(text)) {}

  std::string text_;
  absl::flat_hash_map<absl::string_view, int64_t> nodes_;  // by views of the text
};

}  // namespace quadhop
