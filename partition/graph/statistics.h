// Figures of a graph for people: `quadhop inspect`.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

struct SplitStatistics {
  std::string name;
  int64_t train = 0;
  int64_t valid = 0;
  int64_t test = 0;
};

struct GraphStatistics {
  int64_t nodes = 0;
  int64_t arcs = 0;
  int64_t min_degree = 0;  // of out-neighbours
  int64_t max_degree = 0;
  double mean_degree = 0;
  int64_t without_out_neighbours = 0;  // nodes
  std::vector<SplitStatistics> splits;

  // Reads indptr.npy and splits.npy. Errors: Store's.
  static absl::StatusOr<GraphStatistics> Of(const Store& store, ThreadPool& pool);
};

}  // namespace quadhop
