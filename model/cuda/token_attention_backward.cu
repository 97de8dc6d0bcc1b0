#include "model/cuda/token_attention.cuh"

namespace quadhop::cuda {
namespace {

// d_y_dot_y, which is sum_j p_j d_p_j of each row; a warp a row and head.
template <typename T>
__global__ void DotKernel(TokenAttention<T> args) {
  const int64_t item = WarpOfGrid();
  if (item >= args.tokens.rows * args.heads) return;
  const T* y = args.y + item * args.width;
  const T* d_y = args.d_y + item * args.width;
  float sum = 0;
  for (int c = Lane(); c < args.width; c += kWarpThreads)
    sum = fmaf(ToFloat(y[c]), ToFloat(d_y[c]), sum);
  sum = WarpSum(sum);
  if (Lane() == 0) args.d_y_dot_y[item] = sum;
}

// The shared memory of a backward kernel: one tile of queries against one of keys.
template <typename T>
struct PairMemory {
  __device__ explicit PairMemory(const AttentionTiles& tiles)
      : q(reinterpret_cast<T*>(shared_memory)),
        d_y(q + tiles.side * tiles.stride),
        z(d_y + tiles.side * tiles.stride),
        scores(reinterpret_cast<float*>(z + tiles.side * tiles.stride)),
        d_p(scores + tiles.side * tiles.pair_stride()),
        p(reinterpret_cast<T*>(d_p + tiles.side * tiles.pair_stride())),
        d_scores(p + tiles.side * tiles.operand_stride(sizeof(T))) {}
  __device__ float* staged() const {
    return reinterpret_cast<float*>(shared_memory);
  }  // over q, d_y, z

  T *q, *d_y, *z;       // [side, stride]
  float *scores, *d_p;  // [side, pair_stride]
  T *p, *d_scores;      // [side, operand_stride]
};

// p and d_scores of one head's queries from `query` on and the keys from `key` on, from the rows
// in shared memory. Begins and ends in step.
template <typename T>
__device__ void ScorePair(const TokenAttention<T>& args, const AttentionTiles& tiles,
                          const BlockPlace& place, int head, int query, int key,
                          const PairMemory<T>& memory) {
  __syncthreads();
  const int half = tiles.side / kTileSide * (tiles.side / kTileSide);
  for (int tile = WarpOfBlock(); tile < 2 * half; tile += kBlockWarps) {
    const bool of_scores = tile < half;
    ScoreTile(of_scores ? tile : tile - half, tiles.side, of_scores ? memory.q : memory.d_y,
              memory.z, tiles.stride, tiles.width, of_scores ? memory.scores : memory.d_p,
              tiles.pair_stride());
  }
  __syncthreads();
  const int operand_stride = tiles.operand_stride(sizeof(T));
  for (int i = static_cast<int>(threadIdx.x); i < tiles.side * tiles.side; i += kBlockThreads) {
    const int row = i / tiles.side, column = i % tiles.side;
    const int at = row * tiles.pair_stride() + column;
    float p = 0, d_score = 0;
    if (query + row < place.tokens && key + column < place.tokens) {
      const int64_t of_row = (place.first_row + query + row) * args.heads + head;
      p = expf(memory.scores[at] + place.log_multiplicity[key + column] - args.log_sum[of_row]);
      d_score = p * (memory.d_p[at] - args.d_y_dot_y[of_row]);
    }
    memory.p[row * operand_stride + column] = FromFloat<T>(p);
    memory.d_scores[row * operand_stride + column] = FromFloat<T>(d_score);
  }
  __syncthreads();
}

// d_q = d_scores z; a block a tile of queries of one head.
template <typename T>
__global__ void __launch_bounds__(kBlockThreads)
    QueryKernel(TokenAttention<T> args, AttentionTiles tiles) {
  const BlockPlace place(args.tokens, args.heads, tiles.side);
  if (place.is_empty()) return;
  const int head = place.head;
  const PairMemory<T> memory(tiles);
  LoadRows(place.OfHead(args.q, args.heads, args.width, head), place.begin, tiles.side, tiles,
           memory.q);
  LoadRows(place.OfHead(args.d_y, args.heads, args.width, head), place.begin, tiles.side, tiles,
           memory.d_y);
  BlockSum<T> d_q(tiles);
  for (int key = 0; key < place.tokens; key += tiles.side) {
    __syncthreads();
    LoadRows(place.Of(args.z, args.width), key, tiles.side, tiles, memory.z);
    ScorePair(args, tiles, place, head, place.begin, key, memory);
    d_q.template Add<Stored::kPlain>(memory.d_scores, tiles.operand_stride(sizeof(T)), memory.z,
                                     tiles.stride, tiles.side);
  }
  __syncthreads();
  d_q.Store(memory.staged(), tiles.width + 4);
  __syncthreads();
  StoreRows(memory.staged(), tiles.width + 4, place.begin, tiles.side,
            place.OfHead(args.d_q, args.heads, args.width, head));
}

// d_z = sum over heads of p^T d_y (as values) + d_scores^T q (as keys); a block a tile of keys.
template <typename T>
__global__ void __launch_bounds__(kBlockThreads)
    KeyKernel(TokenAttention<T> args, AttentionTiles tiles) {
  const BlockPlace place(args.tokens, /*heads=*/1, tiles.side);
  if (place.is_empty()) return;
  const PairMemory<T> memory(tiles);
  LoadRows(place.Of(args.z, args.width), place.begin, tiles.side, tiles, memory.z);
  BlockSum<T> d_z(tiles);
  const int operand_stride = tiles.operand_stride(sizeof(T));
  for (int head = 0; head < args.heads; ++head) {
    for (int query = 0; query < place.tokens; query += tiles.side) {
      __syncthreads();
      LoadRows(place.OfHead(args.q, args.heads, args.width, head), query, tiles.side, tiles,
               memory.q);
      LoadRows(place.OfHead(args.d_y, args.heads, args.width, head), query, tiles.side, tiles,
               memory.d_y);
      ScorePair(args, tiles, place, head, query, place.begin, memory);
      d_z.template Add<Stored::kTransposed>(memory.p, operand_stride, memory.d_y, tiles.stride,
                                            tiles.side);
      d_z.template Add<Stored::kTransposed>(memory.d_scores, operand_stride, memory.q, tiles.stride,
                                            tiles.side);
    }
  }
  __syncthreads();
  d_z.Store(memory.staged(), tiles.width + 4);
  __syncthreads();
  StoreRows(memory.staged(), tiles.width + 4, place.begin, tiles.side,
            place.Of(args.d_z, args.width));
}

}  // namespace

template <typename T>
void TokenAttentionBackward(Device& device, const TokenAttention<T>& args) {
  const int tokens = args.tokens.most_tokens;
  const int side = ChooseSide(tokens, args.width, sizeof(T),
                              static_cast<int64_t>(device.shared_bytes_per_block()), true);
  if (side == 0) return device.Note(TooLargeForSharedMemory(device, tokens, args.width));
  const AttentionTiles tiles(tokens, args.width, side, sizeof(T));
  const size_t shared_bytes = static_cast<size_t>(tiles.backward_bytes(sizeof(T)));
  const int64_t node_tiles = args.tokens.nodes * ((tokens + side - 1) / side);
  device.Launch(DotKernel<T>, {BlocksOfWarps(args.tokens.rows * args.heads), kBlockThreads}, args);
  device.Launch(QueryKernel<T>, {node_tiles * args.heads, kBlockThreads, shared_bytes}, args,
                tiles);
  device.Launch(KeyKernel<T>, {node_tiles, kBlockThreads, shared_bytes}, args, tiles);
}

template void TokenAttentionBackward(Device&, const TokenAttention<float>&);
template void TokenAttentionBackward(Device&, const TokenAttention<__nv_bfloat16>&);

}  // namespace quadhop::cuda
