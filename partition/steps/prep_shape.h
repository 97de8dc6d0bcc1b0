// What the steps of prep are planned for.
#pragma once

#include <cstdint>
#include <string>

#include "core/store/store.h"

namespace quadhop {

// The graph as far as it is known, and what is to be made of it.
struct PrepShape {
  int64_t nodes = 0;
  int64_t arcs = 0;           // E; an undirected edge is two
  bool estimated = false;     // nodes or arcs, from a part of the input
  bool directed = false;      // arcs may lack their inverses
  int64_t features = 0;       // columns of raw features; 0: the encodings stand for them
  int64_t name_bytes = 0;     // of what import holds to find nodes by their names
  bool cut_before = false;    // so that its arcs have to be brought back into their first order
  int64_t derived_bytes = 0;  // of encodings and hop features, which a new cut reorders
  int32_t parts = 4;
  std::string partition_method = "auto";
  std::string encode_method = "fastrp";
  int32_t encode_dim = 64;
  int32_t hops = 2;
  bool features_with_encodings = false;
  int64_t feature_bytes = 4;  // of a value of features.npy
  int32_t threads = 1;
  int32_t ranks = 1;  // that partition together

  static PrepShape Of(const Store& store);
};

}  // namespace quadhop
