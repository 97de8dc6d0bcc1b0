// Columns of mean 0 and standard deviation 1, and rows of length 1.
#pragma once

#include "core/tensor.h"
#include "core/thread_pool.h"

namespace quadhop {

// x = (x - mean) / (std + 1e-12) for each column, std being the population's; moments in double
// over blocks of fixed size: equal in every digit for any number of threads.
void StandardizeColumns(TensorView<float> x,  // [N, G]
                        ThreadPool& pool);

// 1 / (|x| + 1e-12) of a row whose values' squares add up to `square`.
float ScaleToLengthOne(double square);

// x = x / (|x| + 1e-12) for each row, |x| in double.
void NormalizeRows(TensorView<float> x,  // [N, G]
                   ThreadPool& pool);

}  // namespace quadhop
