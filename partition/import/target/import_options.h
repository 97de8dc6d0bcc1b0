// What an import is asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/store/store_writer.h"
#include "partition/steps/progress.h"

namespace quadhop {

struct ImportOptions {
  std::string from;                 // a folder, or a file, as the format has it
  std::string store;                // the folder of the store, made if absent
  std::string format = "auto";      // "auto" or one of ImportFormats()
  bool directed = false;            // false: the inverse of every arc is added
  bool reverse = false;             // with `directed`: arcs are turned round
  bool to_be_standardized = false;  // features, by propagate: then their scale is not noted
  uint64_t seed = 0;                // of splits made here, projections and the SVD
  // Columns that wider features are projected to at random (features made of words: reduced to by
  // an SVD, 128 if it is 0); 0: they are stored as they are.
  int32_t project = 0;
  // For an edge list by names: tables of the nodes, the first of which has all nodes; and, of their
  // columns, those of names and of labels, if they are not found (node_columns.h), those not to be
  // used, and those whose every text becomes a feature.
  std::vector<std::string> nodes{};
  std::string id{};
  std::string label{};
  std::vector<std::string> left_out{};
  std::vector<std::string> one_hot{};
  std::string ends{};  // "SRC,DST", of the edge list, if not found
  // A store that the new one is to be like (like_store.h): with its features by their names, its
  // categories and classes, its means for what is missing, and its moments; or empty.
  std::string like{};
  // .npy arrays [N, ...] for inputs that may hold a graph alone; or empty.
  std::string features{};
  std::string labels{};
  std::string splits{};      // also for inputs without a split
  int64_t memory_bytes = 0;  // what working arrays may take; 0: 80 % of what is available
  CommitHook on_commit{};
  ProgressHook on_progress{};
};

}  // namespace quadhop
