// Whether encodings know the graph.
#pragma once

#include <cstdint>

#include "core/arrays/tensor.h"
#include "core/store/topology.h"

namespace quadhop {

// The probability that the rows of an arc's two ends have a larger cosine than those of two random
// nodes (ties count half), from 2^14 of each: 1 is perfect, 0.5 is chance. Encodings of structure
// rather than place (rwse) need not score. 0.5 for a graph without arcs.
double LinkAuc(const Topology& topology, TensorView<const float> rows /* [N, G] */, uint64_t seed);

}  // namespace quadhop
