// Laplacian eigenvectors as positional encodings: Belkin and Niyogi, "Laplacian Eigenmaps", Neural
// Computation 15 (2003); Dwivedi et al., arXiv 2003.00982.
#pragma once

#include "partition/encodings/encoder.h"

namespace quadhop {

// Eigenvectors of I - D^-1/2 A D^-1/2 with the smallest eigenvalues, ascending, but for the first,
// D^1/2 1, which every graph has: signs fixed (FixSigns), columns standardised. By
// Chebyshev-filtered subspace iteration (Zhou et al., Journal of Computational Physics 219 (2006))
// until the eigenvalues stand to 1e-6. Of undirected graphs only, wider ones than G + 8 nodes.
// Takes memory for 4 N (G + 8) floats.
absl::Status LaplacianEigenvectors(const EncoderInput& input, TensorView<float> out);
StepNeeds LaplacianEigenvectorsNeeds(int64_t num_nodes, int64_t dim);

}  // namespace quadhop
