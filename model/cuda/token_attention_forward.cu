#include <absl/strings/str_cat.h>

#include "model/cuda/token_attention.cuh"

namespace quadhop::cuda {
namespace {

// Scores of one row to probabilities, in place: value i takes the place of the bytes of value i or
// one before it, which have been read by then. Returns the logarithm of the sum of exponentials.
template <typename T>
__device__ float SoftmaxRow(float* scores, const BlockPlace& place, int keys) {
  float top = -INFINITY;
  for (int i = Lane(); i < place.tokens; i += kWarpThreads) {
    scores[i] += place.log_multiplicity[i];
    top = fmaxf(top, scores[i]);
  }
  top = WarpMax(top);
  float sum = 0;
  for (int i = Lane(); i < place.tokens; i += kWarpThreads) sum += expf(scores[i] - top);
  const float log_sum = top + logf(WarpSum(sum));
  T* probabilities = reinterpret_cast<T*>(scores);
  for (int first = 0; first < keys; first += kWarpThreads) {
    const int i = first + Lane();
    const float p = i < place.tokens ? expf(scores[i] - log_sum) : 0.0f;
    __syncwarp();
    probabilities[i] = FromFloat<T>(p);
    __syncwarp();
  }
  return log_sum;
}

template <typename T>
__global__ void __launch_bounds__(kBlockThreads)
    ForwardKernel(TokenAttention<T> args, AttentionTiles tiles) {
  const BlockPlace place(args.tokens, args.heads, tiles.side);
  if (place.is_empty()) return;
  const NodeRows<const T> q = place.OfHead(args.q, args.heads, args.width, place.head);
  const NodeRows<const T> z = place.Of(args.z, args.width);
  const int keys = (place.tokens + kForwardKeys - 1) / kForwardKeys * kForwardKeys;

  T* q_rows = reinterpret_cast<T*>(shared_memory);
  T* z_rows = q_rows + tiles.side * tiles.stride;
  float* scores = reinterpret_cast<float*>(z_rows + kForwardKeys * tiles.stride);
  const int score_stride = tiles.score_stride();

  LoadRows(q, place.begin, tiles.side, tiles, q_rows);
  for (int key = 0; key < keys; key += kForwardKeys) {
    __syncthreads();
    LoadRows(z, key, kForwardKeys, tiles, z_rows);
    __syncthreads();
    const int num_tiles = tiles.side / kTileSide * (kForwardKeys / kTileSide);
    for (int tile = WarpOfBlock(); tile < num_tiles; tile += kBlockWarps)
      ScoreTile(tile, kForwardKeys, q_rows, z_rows, tiles.stride, tiles.width, scores + key,
                score_stride);
  }
  __syncthreads();
  for (int row = WarpOfBlock(); row < tiles.side; row += kBlockWarps) {
    const float log_sum = SoftmaxRow<T>(scores + row * score_stride, place, keys);
    if (Lane() == 0 && place.begin + row < place.tokens)
      args.log_sum[(place.first_row + place.begin + row) * args.heads + place.head] = log_sum;
  }

  const T* probabilities = reinterpret_cast<const T*>(scores);
  const int probability_stride = score_stride * static_cast<int>(sizeof(float) / sizeof(T));
  BlockSum<T> y(tiles);
  for (int key = 0; key < keys; key += kForwardKeys) {
    __syncthreads();
    LoadRows(z, key, kForwardKeys, tiles, z_rows);
    __syncthreads();
    y.template Add<Stored::kPlain>(probabilities + key, probability_stride, z_rows, tiles.stride,
                                   kForwardKeys);
  }
  __syncthreads();
  float* staged = reinterpret_cast<float*>(shared_memory);
  y.Store(staged, tiles.width + 4);
  __syncthreads();
  StoreRows(staged, tiles.width + 4, place.begin, tiles.side,
            place.OfHead(args.y, args.heads, args.width, place.head));
}

}  // namespace

absl::Status TooLargeForSharedMemory(const Device& device, int tokens, int width) {
  return absl::InvalidArgumentError(
      absl::StrCat("attention of ", tokens, " tokens of width ", width, " needs more than the ",
                   device.shared_bytes_per_block(), " bytes of shared memory of ", device.name(),
                   ": lower sampler.sampled_nodes or model.width, or set model.backend=CPU"));
}

template <typename T>
void TokenAttentionForward(Device& device, const TokenAttention<T>& args) {
  const int tokens = args.tokens.most_tokens;
  const int side = ChooseSide(tokens, args.width, sizeof(T),
                              static_cast<int64_t>(device.shared_bytes_per_block()), false);
  if (side == 0) return device.Note(TooLargeForSharedMemory(device, tokens, args.width));
  const AttentionTiles tiles(tokens, args.width, side, sizeof(T));
  device.Launch(ForwardKernel<T>,
                {args.tokens.nodes * args.heads * ((tokens + side - 1) / side), kBlockThreads,
                 static_cast<size_t>(tiles.forward_bytes(sizeof(T)))},
                args, tiles);
}

template void TokenAttentionForward(Device&, const TokenAttention<float>&);
template void TokenAttentionForward(Device&, const TokenAttention<__nv_bfloat16>&);

}  // namespace quadhop::cuda
