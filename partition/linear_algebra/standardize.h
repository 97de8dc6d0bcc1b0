// Columns of mean 0 and standard deviation 1, and rows of length 1.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// Gives a row of x [N, G], where it lies or copied to `buffer` [G]. Called by many threads.
using RowSource = std::function<const float*(int64_t row, float* buffer)>;

struct ColumnMoments {
  std::vector<double> mean, deviation;  // [G]; the population's
};

// The moments of x [num_rows, width], all of whose rows are read twice. Sums are of doubles, over
// blocks of fixed size: equal in every digit for any number of threads, each of which takes 32
// bytes a column.
ColumnMoments MeasureColumns(int64_t num_rows, int64_t width, const RowSource& row,
                             ThreadPool& pool);

ColumnMoments MeasureColumns(TensorView<const float> x,  // [N, G]
                             ThreadPool& pool);

// x = (x - mean) / (deviation + 1e-12) for each column; 0 if it deviates by at most 1e-6 |mean|,
// for moments may be those of another graph, whose constant says nothing about the scale here.
void StandardizeColumns(TensorView<float> x,           // [N, G]
                        const ColumnMoments& moments,  // [G]
                        ThreadPool& pool);

// 1 / (|x| + 1e-12) of a row whose values' squares add up to `square`.
float ScaleToLengthOne(double square);

// x = x / (|x| + 1e-12) for each row, |x| in double.
void NormalizeRows(TensorView<float> x,  // [N, G]
                   ThreadPool& pool);

}  // namespace quadhop
