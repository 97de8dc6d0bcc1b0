// The codebook's step of exponential-moving-average k-means.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/warp.cuh"
#include "model/kernels/formulas.h"

namespace quadhop::cuda {
namespace {

// Nodes that centroid m gains, less those it loses, in one slice; one warp per slice and centroid.
// Runs before the codes change.
__global__ void MovesKernel(const int64_t* offsets, int64_t partitions, int64_t centroids,
                            const GlobalId* nodes, int64_t first_node, const int16_t* nearest,
                            const int16_t* codes, int64_t* moves) {
  const int64_t item = WarpOfGrid();
  if (item >= partitions * centroids) return;
  const int64_t p = item / centroids, m = item % centroids;
  int gained = 0;
  for (int64_t r = offsets[p] + Lane(); r < offsets[p + 1]; r += kWarpThreads)
    gained += (nearest[r] == m) - (codes[nodes[r].value() - first_node] == m);
  gained = WarpSum(gained);
  if (Lane() == 0) moves[item] = gained;
}

__global__ void RecodeKernel(int64_t rows, const GlobalId* nodes, int64_t first_node,
                             const int16_t* nearest, int16_t* codes, int16_t* replaced) {
  const int64_t row = ThreadOfGrid();
  if (row >= rows) return;
  int16_t& code = codes[nodes[row].value() - first_node];
  replaced[row] = code;
  code = nearest[row];
}

__global__ void CountKernel(int64_t centroids, const int64_t* moves, int64_t* counts,
                            float* log_count) {
  const int64_t m = ThreadOfGrid();
  if (m >= centroids) return;
  if (moves != nullptr) counts[m] += moves[m];
  log_count[m] = logf(static_cast<float>(counts[m]));
}

// Moves the sizes, and computes what they are smoothed with; one block.
__global__ void SizesKernel(int64_t centroids, double decay, const float* hits, float* sizes,
                            double* smoothing) {
  double* of_warps = reinterpret_cast<double*>(shared_memory);  // [kBlockWarps]
  double all = 0;
  for (int64_t m = threadIdx.x; m < centroids; m += kBlockThreads) {
    sizes[m] = MovedAverage(decay, sizes[m], 1 - decay, double{hits[m]});
    all += double{sizes[m]};
  }
  all = WarpSum(all);
  if (Lane() == 0) of_warps[WarpOfBlock()] = all;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < kBlockWarps; ++warp) all += of_warps[warp];
  *smoothing = SizeSmoothing(all, centroids);
}

// Each centroid's sum and place, and its smoothed size; one warp per centroid.
__global__ void MoveKernel(int64_t centroids, int64_t width, double decay, const float* new_sums,
                           const double* smoothing, float* sizes, float* sums, float* embedding) {
  const int64_t m = WarpOfGrid();
  if (m >= centroids) return;
  const float size = SmoothedSize(sizes[m], *smoothing);
  __syncwarp();
  if (Lane() == 0) sizes[m] = size;
  for (int64_t at = m * width + Lane(); at < (m + 1) * width; at += kWarpThreads) {
    sums[at] = MovedAverage(decay, sums[at], 1 - decay, double{new_sums[at]});
    embedding[at] = sums[at] / size;
  }
}

__global__ void OutputKernel(int64_t centroids, int64_t width, const float* embedding,
                             const float* mean, const float* variance, float* output) {
  const int64_t at = ThreadOfGrid(), c = at % width;
  if (at >= centroids * width) return;
  output[at] = embedding[at] * static_cast<float>(Deviation(double{variance[c]})) + mean[c];
}

}  // namespace

void CudaKernels::DoCodebookRecode(const CodebookRecodeArgs& args) {
  const int64_t partitions = args.slices.num_partitions(), centroids = args.moves.dim(1);
  device_->Launch(MovesKernel, {BlocksOfWarps(partitions * centroids), kBlockThreads},
                  args.slices.array, partitions, centroids, args.nodes.data(),
                  args.first_node.value(), args.nearest.data(), args.codes.data(),
                  args.moves.data());
  device_->Launch(RecodeKernel, {BlocksOfThreads(args.nodes.size()), kBlockThreads},
                  args.nodes.size(), args.nodes.data(), args.first_node.value(),
                  args.nearest.data(), args.codes.data(), args.replaced.data());
}

void CudaKernels::DoCodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                                  TensorView<float> log_count) {
  device_->Launch(CountKernel, {BlocksOfThreads(counts.size()), kBlockThreads}, counts.size(),
                  moves.data(), counts.data(), log_count.data());
}

void CudaKernels::DoCodebookMove(const CodebookMoveArgs& args) {
  const int64_t centroids = args.embedding.dim(0), width = args.embedding.dim(1);
  const Buffer<double> smoothing(*device_, 1);
  device_->Launch(SizesKernel, {1, kBlockThreads, kBlockWarps * sizeof(double)}, centroids,
                  args.decay, args.hits_and_sums.data(), args.sizes.data(), smoothing.data());
  device_->Launch(MoveKernel, {BlocksOfWarps(centroids), kBlockThreads}, centroids, width,
                  args.decay, args.hits_and_sums.data() + centroids, smoothing.data(),
                  args.sizes.data(), args.sums.data(), args.embedding.data());
}

void CudaKernels::DoCodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                                   TensorView<const float> variance, TensorView<float> output) {
  device_->Launch(OutputKernel, {BlocksOfThreads(embedding.size()), kBlockThreads},
                  embedding.dim(0), embedding.dim(1), embedding.data(), mean.data(),
                  variance.data(), output.data());
}

}  // namespace quadhop::cuda
