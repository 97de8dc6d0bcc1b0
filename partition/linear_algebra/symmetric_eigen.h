// Eigenvalues and eigenvectors of a small symmetric matrix.
#pragma once

#include <absl/types/span.h>

#include "core/arrays/tensor.h"

namespace quadhop {

// Cyclic Jacobi rotations (Golub and Van Loan, "Matrix Computations", section 8.5): accurate to
// rounding and simple; O(n^3) a sweep and some ten sweeps, so meant for n of a few hundred.
// Eigenvalues come in descending order, row i of `vectors` is the unit eigenvector of values[i].
void SymmetricEigen(TensorView<double> a,       // [n, n], overwritten
                    absl::Span<double> values,  // [n]
                    TensorView<double> vectors  // [n, n]
);

}  // namespace quadhop
