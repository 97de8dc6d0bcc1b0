// Attention to the codebook, and the nearest centroid of each query.
#include <cmath>

#include "model/cuda/kernels_cuda.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {
namespace {

// Turns the scores of a row and head into probabilities: softmax(score + log_count), and what
// dropout keeps of them; one warp per row and head. A node's keep bits are [h, M], M rounded up to
// whole bytes.
__global__ void SoftmaxKernel(int64_t items, int64_t heads, int64_t centroids,
                              const float* log_count, DeviceDropout dropout, float* probability,
                              float* kept) {
  const int64_t item = WarpOfGrid();
  if (item >= items) return;
  float* p = probability + item * centroids;
  float top = -INFINITY;
  for (int64_t m = Lane(); m < centroids; m += kWarpThreads) top = fmaxf(top, p[m] + log_count[m]);
  top = WarpMax(top);
  float sum = 0;
  for (int64_t m = Lane(); m < centroids; m += kWarpThreads) {
    p[m] = expf(p[m] + log_count[m] - top);
    sum += p[m];
  }
  const float inverse = 1.0f / WarpSum(sum);
  const int64_t groups = (centroids + 7) / 8, row = item / heads, head = item % heads;
  __syncwarp();
  for (int64_t group = Lane(); group < groups; group += kWarpThreads) {
    const uint8_t keep = kept == nullptr ? 0xFF : KeepMaskOf(dropout, row, head * groups + group);
    for (int64_t m = group * 8; m < centroids && m < group * 8 + 8; ++m) {
      p[m] *= inverse;
      if (kept != nullptr)
        kept[item * centroids + m] = (keep >> (m % 8)) & 1 ? p[m] * dropout.scale : 0.0f;
    }
  }
}

// Turns d_p into the gradient of the scores, which takes the place of the probabilities.
__global__ void SoftmaxBackwardKernel(int64_t items, int64_t centroids, float dropout_scale,
                                      const float* kept, float* d_p, float* probability) {
  const int64_t item = WarpOfGrid();
  if (item >= items) return;
  float* p = probability + item * centroids;
  float* d = d_p + item * centroids;
  float sum = 0;
  for (int64_t m = Lane(); m < centroids; m += kWarpThreads) {
    if (kept != nullptr) d[m] = kept[item * centroids + m] > 0 ? d[m] * dropout_scale : 0.0f;
    sum += p[m] * d[m];
  }
  const float mean = WarpSum(sum);
  for (int64_t m = Lane(); m < centroids; m += kWarpThreads) p[m] *= d[m] - mean;
}

__global__ void HalfNormKernel(int64_t centroids, int64_t width, const float* embedding,
                               float* half_norm) {
  const int64_t m = WarpOfGrid();
  if (m >= centroids) return;
  float sum = 0;
  for (int64_t c = Lane(); c < width; c += kWarpThreads)
    sum = fmaf(embedding[m * width + c], embedding[m * width + c], sum);
  sum = WarpSum(sum);
  if (Lane() == 0) half_norm[m] = 0.5f * sum;
}

// The first centroid of least half_norm - dot: half the squared distance, less what is the same for
// all centroids.
__global__ void NearestKernel(int64_t rows, int64_t centroids, const float* half_norm,
                              const float* dot, int16_t* nearest) {
  const int64_t row = WarpOfGrid();
  if (row >= rows) return;
  float least = INFINITY;
  int index = 0;
  for (int m = Lane(); m < centroids; m += kWarpThreads) {
    const float distance = half_norm[m] - dot[row * centroids + m];
    if (distance < least) {
      least = distance;
      index = m;
    }
  }
  for (int distance = kWarpThreads / 2; distance > 0; distance /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, least, distance);
    const int other_index = __shfl_xor_sync(kAllLanes, index, distance);
    if (other < least || (other == least && other_index < index)) {
      least = other;
      index = other_index;
    }
  }
  if (Lane() == 0) nearest[row] = static_cast<int16_t>(index);
}

// For each slice, hits [M] and sums [M, 2G], each in the order of its rows; one warp per slice and
// centroid, whose lanes look at one row each and add up columns.
__global__ void HitsKernel(const int64_t* offsets, int64_t partitions, int64_t centroids,
                           int64_t width, const int16_t* nearest, const float* z,
                           float* hits_and_sums) {
  constexpr int kColumns = 4;  // of a lane at a time
  const int64_t item = WarpOfGrid();
  if (item >= partitions * centroids) return;
  const int64_t p = item / centroids, m = item % centroids, end = offsets[p + 1];
  float* of_slice = hits_and_sums + p * centroids * (1 + width);
  for (int64_t first = 0; first < width; first += kColumns * kWarpThreads) {
    int hits = 0;
    float sums[kColumns] = {};
    for (int64_t r = offsets[p]; r < end; r += kWarpThreads) {
      unsigned hit = __ballot_sync(kAllLanes, r + Lane() < end && nearest[r + Lane()] == m);
      hits += __popc(hit);
      while (hit != 0) {  // four rows come from memory together
        float values[4][kColumns] = {};
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          if (hit == 0) continue;
          const float* row = z + (r + __ffs(static_cast<int>(hit)) - 1) * width;
          hit &= hit - 1;
          for (int i = 0; i < kColumns; ++i) {
            const int64_t column = first + i * kWarpThreads + Lane();
            if (column < width) values[j][i] = row[column];
          }
        }
        for (int j = 0; j < 4; ++j)
          for (int i = 0; i < kColumns; ++i) sums[i] += values[j][i];
      }
    }
    if (Lane() == 0) of_slice[m] = static_cast<float>(hits);
    for (int i = 0; i < kColumns; ++i) {
      const int64_t column = first + i * kWarpThreads + Lane();
      if (column < width) of_slice[centroids + m * width + column] = sums[i];
    }
  }
}

// Calls multiply(first row, rows, head) for each slice and head.
template <typename MultiplyHead>
void TogetherForEachHead(Products& products, const Slices& slices, int64_t heads,
                         const MultiplyHead& multiply) {
  const Together together(products);
  for (int64_t p = 0; p < slices.num_partitions(); ++p)
    for (int64_t h = 0; h < heads; ++h)
      multiply(slices.begin(p), slices.end(p) - slices.begin(p), h);
}

}  // namespace

void CudaKernels::DoCodebookAttention(const CodebookAttentionArgs& args) {
  const int64_t rows = args.query.dim(0), wide = args.query.dim(1), width = wide / args.heads;
  const int64_t centroids = args.key.dim(0), row_size = args.heads * centroids;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  float* const kept = args.dropout.probability > 0 ? args.kept.data() : nullptr;
  TogetherForEachHead(
      *products_, args.slices, args.heads, [&](int64_t begin, int64_t slice_rows, int64_t h) {
        products_->Multiply(slice_rows, centroids, width,
                            MatrixRef<float>{args.query.data() + begin * wide + h * width, wide},
                            MatrixRef<float>{args.key.data() + h * width, wide, true}, 0,
                            {args.probability.data() + begin * row_size + h * centroids, row_size},
                            scale);
      });
  device_->Launch(SoftmaxKernel, {BlocksOfWarps(rows * args.heads), kBlockThreads},
                  rows * args.heads, args.heads, centroids, args.log_count.data(),
                  DeviceDropoutOf(args.dropout), args.probability.data(), kept);
  const float* used = kept != nullptr ? kept : args.probability.data();
  TogetherForEachHead(
      *products_, args.slices, args.heads, [&](int64_t begin, int64_t slice_rows, int64_t h) {
        products_->Multiply(slice_rows, width, centroids,
                            MatrixRef<float>{used + begin * row_size + h * centroids, row_size},
                            MatrixRef<float>{args.value.data() + h * width, wide}, 0,
                            {args.y.data() + begin * wide + h * width, wide});
      });
}

void CudaKernels::DoCodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) {
  const int64_t rows = args.d_y.dim(0), wide = args.d_y.dim(1), width = wide / args.heads;
  const int64_t centroids = args.key.dim(0), row_size = args.heads * centroids;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  const float* const kept = args.dropout.probability > 0 ? args.kept.data() : nullptr;
  const Buffer<float> d_p(*device_, rows * row_size);
  TogetherForEachHead(
      *products_, args.slices, args.heads, [&](int64_t begin, int64_t slice_rows, int64_t h) {
        products_->Multiply(slice_rows, centroids, width,
                            MatrixRef<float>{args.d_y.data() + begin * wide + h * width, wide},
                            MatrixRef<float>{args.value.data() + h * width, wide, true}, 0,
                            {d_p.data() + begin * row_size + h * centroids, row_size});
      });
  device_->Launch(SoftmaxBackwardKernel, {BlocksOfWarps(rows * args.heads), kBlockThreads},
                  rows * args.heads, centroids, DropoutScale(args.dropout.probability), kept,
                  d_p.data(), args.probability.data());
  TogetherForEachHead(
      *products_, args.slices, args.heads, [&](int64_t begin, int64_t slice_rows, int64_t h) {
        products_->Multiply(
            slice_rows, width, centroids,
            MatrixRef<float>{args.probability.data() + begin * row_size + h * centroids, row_size},
            MatrixRef<float>{args.key.data() + h * width, wide}, 0,
            {args.d_query.data() + begin * wide + h * width, wide}, scale);
      });
}

void CudaKernels::DoCodebookOuterSum(const CodebookOuterSumArgs& args) {
  const int64_t wide = args.right.dim(1), width = wide / args.heads;
  const int64_t centroids = args.sum.dim(0), row_size = args.heads * centroids;
  const Together together(*products_);
  for (int64_t h = 0; h < args.heads; ++h)
    products_->Multiply(centroids, width, args.right.dim(0),
                        MatrixRef<float>{args.left.data() + h * centroids, row_size, true},
                        MatrixRef<float>{args.right.data() + h * width, wide}, 0,
                        {args.sum.data() + h * width, wide}, args.alpha);
}

void CudaKernels::DoCodebookAssign(const CodebookAssignArgs& args) {
  const int64_t rows = args.z.dim(0), centroids = args.embedding.dim(0);
  const int64_t width = args.embedding.dim(1);
  const Buffer<float> half_norm(*device_, centroids), dot(*device_, rows * centroids);
  device_->Launch(HalfNormKernel, {BlocksOfWarps(centroids), kBlockThreads}, centroids, width,
                  args.embedding.data(), half_norm.data());
  for (int64_t p = 0; p < args.slices.num_partitions(); ++p) {
    const int64_t begin = args.slices.begin(p);
    products_->Multiply(args.slices.end(p) - begin, centroids, width,
                        MatrixRef<float>{args.z.data() + begin * width, width},
                        MatrixRef<float>{args.embedding.data(), width, true}, 0,
                        {dot.data() + begin * centroids, centroids});
  }
  device_->Launch(NearestKernel, {BlocksOfWarps(rows), kBlockThreads}, rows, centroids,
                  half_norm.data(), dot.data(), args.nearest.data());
  const int64_t partitions = args.slices.num_partitions();
  device_->Launch(HitsKernel, {BlocksOfWarps(partitions * centroids), kBlockThreads},
                  args.slices.array, partitions, centroids, width, args.nearest.data(),
                  args.z.data(), args.hits_and_sums.data());
}

}  // namespace quadhop::cuda
