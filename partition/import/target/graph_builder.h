// From arcs in any order to compressed rows: out-neighbours ascending, without duplicates or
// self-loops.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/threads/thread_pool.h"
#include "partition/steps/step_needs.h"

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

struct GraphOptions {
  int64_t num_nodes = 1;         // >= 1
  bool directed = false;         // false: both directions of every arc
  bool reverse = false;          // if directed: an arc is added from its target to its source
  int64_t memory_bytes = 0;      // for arcs; rows take 8 bytes a node besides
  std::string scratch_folder{};  // for arcs that memory does not hold
  int num_threads = 1;           // of the job: all but those that add arcs may sort them meanwhile
};

// Sorts arcs externally: memory is what the options say, whatever the number of arcs; the disk
// holds up to 8 bytes an arc and direction (16 beyond 2^31 nodes), and 4 (8) an arc of the result.
// The result does not depend on the order of the arcs, the memory or the number of threads.
class GraphBuilder {
 public:
  // At most, within options.memory_bytes, for `num_arcs` arcs, the inverses that are made included.
  static StepNeeds Needs(const GraphOptions& options, int64_t num_arcs);

  explicit GraphBuilder(GraphOptions options);
  ~GraphBuilder();
  GraphBuilder(const GraphBuilder&) = delete;
  GraphBuilder& operator=(const GraphBuilder&) = delete;

  int64_t num_nodes() const { return options_.num_nodes; }
  bool wide() const;  // ids need 64 bits

  // Ids must be in [0, num_nodes). Thread-safe. An error of the disk is also kept for Build.
  absl::Status Add(absl::Span<const Arc> arcs);

  // Once, after all arcs.
  absl::StatusOr<GraphCounts> Build(ThreadPool& pool);

  // After Build.
  absl::Span<const int64_t> indptr() const { return indptr_; }  // [N + 1]
  // Writes all rows one after another  // [E]. T is uint32_t, or int64_t where wide(). Once.
  template <typename T>
  absl::Status CopyIndices(absl::Span<T> out);

 private:
  class Sorter;
  template <typename Key>
  class SorterOf;
  GraphOptions options_;
  std::unique_ptr<Sorter> sorter_;
  std::vector<int64_t> indptr_;
};

}  // namespace quadhop
