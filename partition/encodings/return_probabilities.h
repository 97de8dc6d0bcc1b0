// Random-walk structural encodings: Dwivedi et al., "Graph Neural Networks with Learnable
// Structural and Positional Representations", ICLR 2022 (arXiv 2110.07875), section 3.2.
#pragma once

#include "partition/encodings/encoder.h"

namespace quadhop {

// Column i: the probability that a random walk is back where it began after i + 2 steps (after one
// it never is), estimated from 256 walks per node. In an undirected graph, after
// two steps it is exact, and beyond them every pair of a node's walks is counted that meet midway.
// In a directed graph, and for hubs among nodes of few neighbours, it is the share of walks that
// are back, with a standard deviation of at most 1/32.
absl::Status ReturnProbabilities(const EncoderInput& input, TensorView<float> out);

}  // namespace quadhop
