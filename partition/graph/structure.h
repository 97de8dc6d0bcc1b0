// How a graph hangs together: for people, and `quadhop inspect`.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

struct GraphStructure {
  struct Hub {
    int64_t original_id = 0;
    int64_t degree = 0;
  };

  int64_t median_degree = 0;
  int64_t degree_99 = 0;      // that 99 % of the nodes do not exceed
  std::vector<Hub> hubs;      // the 5 nodes of largest degree, descending
  int64_t labelled_arcs = 0;  // between two nodes with a class
  int64_t equal_arcs = 0;     // of those, between nodes of one class; see homophily()
  int64_t components = 0;     // weakly connected
  int64_t largest_component = 0;
  int64_t isolated_nodes = 0;  // without an arc in either direction
  // Neighbours of neighbours, repeats counted, averaged over the nodes: what drawing an exact 2-hop
  // sample of a node reads.
  double mean_two_step_paths = 0;

  // The share of arcs that join a class to itself; NaN if no arc joins two nodes with a class.
  double homophily() const;

  // Reads all arcs; takes 16 bytes of memory a node. A function of the store alone. Errors:
  // Store's.
  static absl::StatusOr<GraphStructure> Of(const Store& store, ThreadPool& pool);
};

}  // namespace quadhop
