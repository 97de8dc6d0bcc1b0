// Laplacian eigenvectors as positional encodings: Belkin and Niyogi, "Laplacian Eigenmaps", Neural
// Computation 15 (2003); Dwivedi et al., arXiv 2003.00982.
#pragma once

#include "partition/encodings/encoder.h"

namespace quadhop {

// Eigenvectors of I - D^-1/2 A D^-1/2 with the smallest eigenvalues, ascending, except those that
// tell nothing: D^1/2 1 on each connected component, of eigenvalue 0. Signs are fixed (FixSigns).
// By Chebyshev-filtered subspace iteration (Zhou et al., Journal of
// Computational Physics 219 (2006)) in double.
//
// Every column v has |L v - l v| <= 1e-4 max(l, 1e-8) before it is rounded to float, so that at
// most 0.01 % of its square is of eigenvalues further from l than 1 %: only eigenvectors of closer
// ones may be mixed. If 1000 products with the graph, or as many as take 1e11 multiply-adds, do not
// get there, input.note says how many columns are worse, and how bad they are.
//
// For undirected graphs only, of G + 8 nodes or more, not counting one of each component but the
// first. Takes memory for 2 N (G + 8) + 3 N doubles.
absl::Status LaplacianEigenvectors(const EncoderInput& input, TensorView<float> out);
StepNeeds LaplacianEigenvectorsNeeds(int64_t num_nodes, int64_t dim);

// The same with another limit on products.
absl::Status LaplacianEigenvectorsWithin(int64_t most_products, const EncoderInput& input,
                                         TensorView<float> out);

}  // namespace quadhop
