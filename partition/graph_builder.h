// From arcs in any order to compressed rows: out-neighbours ascending, without duplicates or
// self-loops.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/thread_pool.h"

namespace quadhop {

struct Arc {
  int64_t source;
  int64_t target;
};

// What became of the arcs that were added.
struct GraphCounts {
  int64_t arcs_added = 0;
  int64_t self_loops_removed = 0;  // every one that was added
  int64_t duplicates_removed = 0;  // the same (source, target) again, self-loops not counted
  int64_t inverses_added = 0;      // undirected graphs only: arcs whose inverse was not there
  int64_t arcs = 0;                // E of the result
};

// Collects arcs, then sorts them by counting. The result does not depend on the order of the arcs
// or on the number of threads. Memory: 8 bytes an arc while collecting, 12 at the peak of Build, 16
// if the graph is undirected (twice as much if ids need 64 bits), and 24 a node.
class GraphBuilder {
 public:
  // num_nodes >= 1.
  explicit GraphBuilder(int64_t num_nodes);
  ~GraphBuilder();
  GraphBuilder(const GraphBuilder&) = delete;
  GraphBuilder& operator=(const GraphBuilder&) = delete;

  int64_t num_nodes() const { return num_nodes_; }
  bool wide() const { return num_nodes_ > int64_t{UINT32_MAX}; }  // ids need 64 bits

  // Ids must be in [0, num_nodes). Thread-safe.
  void Add(absl::Span<const Arc> arcs);
  int64_t num_arcs_added() const;

  // Once, after all arcs. Undirected: both directions of every arc.
  GraphCounts Build(bool directed, ThreadPool& pool);

  // After Build.
  absl::Span<const int64_t> indptr() const { return indptr_; }  // [N + 1]
  // Writes all rows one after another  // [E]. T is uint32_t, or int64_t where wide().
  template <typename T>
  void CopyIndices(absl::Span<T> out, ThreadPool& pool) const;

 private:
  class Rows;
  template <typename Index>
  class RowsOf;
  int64_t num_nodes_;
  std::unique_ptr<Rows> rows_;
  std::vector<int64_t> indptr_;
};

}  // namespace quadhop
