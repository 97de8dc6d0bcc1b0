// node2vec: Grover and Leskovec, "node2vec: Scalable Feature Learning for Networks", KDD 2016
// (arXiv 1607.00653), with p = q = 1, in the settings that LargeGT's paper takes its encodings
// with.
#pragma once

#include "partition/encodings/encoder.h"

namespace quadhop {

// One epoch of 10 walks of 40 nodes from every node. The first of every 20 consecutive nodes is to
// score the other 19 above 19 random nodes (skip-gram with negative samples; the nodes of a walk
// share 20 of them).
//
// Walks are taken in blocks: all gradients of a block are made from the same rows, on all threads,
// and summed by row in the order of the walks, so that the result does not depend on the threads,
// as it would if they wrote to shared rows at will. Rows take AdaGrad steps, with one accumulator
// per row. Takes memory for N (G + 1) + 2^24 floats: rows are read
// and written anywhere, all the time.
absl::Status Node2Vec(const EncoderInput& input, TensorView<float> out);
StepNeeds Node2VecNeeds(int64_t num_nodes, int64_t dim);

}  // namespace quadhop
