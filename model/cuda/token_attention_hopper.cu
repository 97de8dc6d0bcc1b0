// Token attention in bf16 on GPUs of compute capability 9.0, whose products read shared memory by
// themselves. A block has all keys of a node there.
#include "model/cuda/row_groups.cuh"
#include "model/cuda/token_attention.cuh"
#include "model/cuda/warpgroup_instructions.cuh"

namespace quadhop::cuda {
namespace {

using T = __nv_bfloat16;

constexpr int kTileRows = 64;  // of a group's product
constexpr int kGroups = 2;     // of a block
constexpr int kThreads = kGroups * kGroupThreads;
constexpr int kGroupWarps = kGroupThreads / kWarpThreads;

__device__ int GroupOfBlock() { return static_cast<int>(threadIdx.x) / kGroupThreads; }
__device__ int WarpOfGroup() { return WarpOfBlock() % kGroupWarps; }
// The first of the two rows of a group's tile that a thread has sums of; the other is 8 below.
__device__ int RowOfThread() { return WarpOfGroup() * 16 + Lane() / 4; }
// Of each 8 columns, the first of the two that it has.
__device__ int ColumnOfThread() { return Lane() % 4 * 2; }

// A matrix [rows, kColumns] in shared memory, in pieces.
template <int kColumns>
struct Pieces {
  static constexpr int kRowsBytes = kColumns / 8 * kPieceBytes;  // of 8 rows
  static constexpr int Bytes(int rows) { return rows / 8 * kRowsBytes; }

  unsigned char* data;

  // From a row and column on, multiples of 8.
  __device__ unsigned char* At(int row, int column) const {
    return data + row / 8 * kRowsBytes + column / 8 * kPieceBytes;
  }
  __device__ uint64_t ByRows(int row, int column) const {
    return SharedOperand(At(row, column), kPieceBytes, kRowsBytes);
  }
  __device__ uint64_t ByColumns(int row, int column) const {
    return SharedOperand(At(row, column), kRowsBytes, kPieceBytes);
  }

  // Begins to copy `count` rows from token `begin` on, columns from `first_column` on; zeros beyond
  // the last token and column. By `warps` warps, of which this is `warp`: each takes 8 rows of 4
  // pieces at a time.
  __device__ void Load(const NodeRows<const T>& rows, int begin, int count, int first_column,
                       int warp, int warps) const {
    constexpr int kPiecesAcross = kColumns / 32;
#pragma unroll 2  // while sums are in registers
    for (int unit = warp; unit < count / 8 * kPiecesAcross; unit += warps) {
      const int row = unit / kPiecesAcross * 8 + Lane() % 8;
      const int column = unit % kPiecesAcross * 32 + Lane() / 8 * 8;
      const int token = begin + row, from_column = first_column + column;
      const bool inside = token < rows.tokens && from_column < rows.width;
      const T* from = rows.first + token * rows.stride + from_column;
      CopyBehind(At(row, column) + row % 8 * 16, inside ? from : rows.first, inside);
    }
  }
};

__device__ uint32_t Pack(float first, float second) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  uint32_t bits;
  memcpy(&bits, &pair, sizeof(bits));
  return bits;
}
__device__ float First(uint32_t pair) { return __uint_as_float(pair << 16); }
__device__ float Second(uint32_t pair) { return __uint_as_float(pair & 0xFFFF0000u); }

// The sum, or the largest, over the four threads that share a row.
__device__ float QuadSum(float value) {
  value += __shfl_xor_sync(kAllLanes, value, 1);
  return value + __shfl_xor_sync(kAllLanes, value, 2);
}
__device__ float QuadMax(float value) {
  value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}

// Probabilities, or gradients of scores, of a tile of rows as a product takes them: of 16 keys at a
// time.
template <int kKeys>
using Weights = uint32_t[kKeys / 16][4];

// Where a thread's two neighbours are that part `i` of 4 of 16 columns has.
__device__ int RowOfPart(int i) { return i % 2 * 8; }
__device__ int ColumnOfPart(int i) { return i / 2 * 8; }

template <int kKeys>
__device__ void StoreWeights(const Weights<kKeys>& weights, int first_row,
                             const NodeRows<T>& rows) {
#pragma unroll
  for (int step = 0; step < kKeys / 16; ++step)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = first_row + RowOfThread() + RowOfPart(i);
      const int column = step * 16 + ColumnOfPart(i) + ColumnOfThread();
      if (row < rows.tokens && column < rows.width)
        *reinterpret_cast<uint32_t*>(rows.first + row * rows.stride + column) = weights[step][i];
    }
}

template <int kSums>
__device__ void StoreSums(const float (&sums)[kSums], int first_row, const NodeRows<T>& rows) {
#pragma unroll
  for (int i = 0; i < kSums / 2; ++i) {
    const int row = first_row + RowOfThread() + i % 2 * 8;
    const int column = i / 2 * 8 + ColumnOfThread();
    if (row < rows.tokens && column < rows.width)
      *reinterpret_cast<uint32_t*>(rows.first + row * rows.stride + column) =
          Pack(sums[2 * i], sums[2 * i + 1]);
  }
}

// What a group has at hand for a tile of one head's rows.
template <int kWidth>
struct Tile {
  const BlockPlace& place;
  int head, first_row;
  Pieces<kWidth> left, z;
  const float* bias;  // [keys]: log multiplicity, -inf beyond the last
};

// Keys that one product takes, of all that a kernel has.
template <int kKeys>
constexpr int kForwardPart = kKeys == kHopperTokens ? 160 : 64;
constexpr int kBackwardPart = 64;  // leaves registers for the probabilities

template <int kFirst, int kWidth, int kSums>
__device__ void MultiplyByKeys(const Tile<kWidth>& tile, float (&sums)[kSums]) {
  HoldSums(sums);
  BeginProducts();
  const uint64_t left = Recomputed(tile.left.ByRows(0, 0));
  const uint64_t z = Recomputed(tile.z.ByRows(kFirst, 0));
#pragma unroll
  for (int c = 0; c < kWidth; c += 16)
    MultiplyShared<false, false>(sums, Next(left, c / 8 * kPieceBytes),
                                 Next(z, c / 8 * kPieceBytes), c > 0);
}

// Forward. left is q; weights become the probabilities. load_next may overwrite left.
struct HopperSoftmax {
  static __device__ const T* Left(const TokenAttention<T>& args) { return args.q; }
  static __device__ T* Scores(const TokenAttention<T>& args) { return args.p; }
  static __device__ T* Out(const TokenAttention<T>& args) { return args.y; }

  template <int kKeys, int kWidth, typename LoadNext>
  static __device__ void Apply(const TokenAttention<T>&, const Tile<kWidth>& tile,
                               Weights<kKeys>& weights, const LoadNext& load_next) {
    constexpr int kPart = kForwardPart<kKeys>, kParts = kKeys / kPart, kSums = kPart / 2;
    constexpr float kLog2E = 1.44269504f;
    float scores[kParts][kSums];
    MultiplyByKeys<0>(tile, scores[0]);
    if constexpr (kParts > 1) MultiplyByKeys<kPart>(tile, scores[1]);
    if constexpr (kParts > 2) MultiplyByKeys<2 * kPart>(tile, scores[2]);
    static_assert(kParts <= 3);
    EndProducts();
    for (auto& part : scores) HoldSums(part);
    load_next();

    float top[2] = {-INFINITY, -INFINITY}, sum[2] = {};
#pragma unroll
    for (int p = 0; p < kParts; ++p)
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
        float& score = scores[p][i];
        score += tile.bias[p * kPart + i / 4 * 8 + ColumnOfThread() + i % 2];
        top[i % 4 / 2] = fmaxf(top[i % 4 / 2], score);
      }
    for (float& of_row : top) of_row = QuadMax(of_row) * kLog2E;
#pragma unroll
    for (int p = 0; p < kParts; ++p)
#pragma unroll
      for (int i = 0; i < kSums; ++i) {
        float& score = scores[p][i];
        score = exp2f(fmaf(score, kLog2E, -top[i % 4 / 2]));
        sum[i % 4 / 2] += score;
      }
    for (float& of_row : sum) of_row = 1.0f / QuadSum(of_row);
#pragma unroll
    for (int p = 0; p < kParts; ++p)
#pragma unroll
      for (int i = 0; i < kSums; i += 2)
        weights[p * (kPart / 16) + i / 8][i % 8 / 2] =
            Pack(scores[p][i] * sum[i % 4 / 2], scores[p][i + 1] * sum[i % 4 / 2]);
  }
};

// Backward. left is d_y; weights become d_scores = p (d_p - d_y . y).
struct HopperSoftmaxBackward {
  static __device__ const T* Left(const TokenAttention<T>& args) { return args.d_y; }
  static __device__ T* Scores(const TokenAttention<T>& args) { return args.d_scores; }
  static __device__ T* Out(const TokenAttention<T>& args) { return args.d_q; }

  template <int kKeys, int kWidth, typename LoadNext>
  static __device__ void Apply(const TokenAttention<T>& args, const Tile<kWidth>& tile,
                               Weights<kKeys>& weights, const LoadNext& load_next) {
    const BlockPlace& place = tile.place;
    const NodeRows<const T> y =
        place.OfHead(static_cast<const T*>(args.y), args.heads, args.width, tile.head);
    const NodeRows<const T> d_y = place.OfHead(args.d_y, args.heads, args.width, tile.head);
    const int row = tile.first_row + RowOfThread();
    float mean[2] = {};
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      const int token = row + lower * 8;
      if (token < place.tokens) {
        for (int c = Lane() % 4 * 8; c < args.width; c += 32) {
          const Group of_y = Widen(LoadWhole(y.first + token * y.stride + c));
          const Group of_d_y = Widen(LoadWhole(d_y.first + token * d_y.stride + c));
          for (int i = 0; i < 8; ++i) mean[lower] = fmaf(of_y.at[i], of_d_y.at[i], mean[lower]);
        }
      }
      mean[lower] = QuadSum(mean[lower]);
    }
    ApplyFrom<0, kKeys>(args, tile, mean, weights);
    load_next();
  }

 private:
  // Of the keys from kFirst on, a part after the other.
  template <int kFirst, int kKeys, int kWidth>
  static __device__ void ApplyFrom(const TokenAttention<T>& args, const Tile<kWidth>& tile,
                                   const float (&mean)[2], Weights<kKeys>& weights) {
    const NodeRows<const T> p =
        tile.place.Scores(static_cast<const T*>(args.p), args.tokens, args.heads, tile.head);
    const int row = tile.first_row + RowOfThread();
    float d_p[kBackwardPart / 2];
    MultiplyByKeys<kFirst>(tile, d_p);
#pragma unroll
    for (int step = 0; step < kBackwardPart / 16; ++step)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int token = row + RowOfPart(i);
        const int column = kFirst + step * 16 + ColumnOfPart(i) + ColumnOfThread();
        const bool inside = token < p.tokens && column < p.width;
        weights[kFirst / 16 + step][i] =
            inside ? *reinterpret_cast<const uint32_t*>(p.first + token * p.stride + column) : 0;
      }
    EndProducts();
    HoldSums(d_p);
#pragma unroll
    for (int step = 0; step < kBackwardPart / 16; ++step)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        uint32_t& pair = weights[kFirst / 16 + step][i];
        const float* of_pair = d_p + step * 8 + i * 2;
        pair = Pack(First(pair) * (of_pair[0] - mean[i % 2]),
                    Second(pair) * (of_pair[1] - mean[i % 2]));
      }
    if constexpr (kFirst + kBackwardPart < kKeys)
      ApplyFrom<kFirst + kBackwardPart, kKeys>(args, tile, mean, weights);
  }
};

// A block a node, whose groups take tiles of rows of its heads in turn.
template <typename Kind, int kWidth, int kKeys>
__global__ void __launch_bounds__(kThreads) HopperRowsKernel(TokenAttention<T> args) {
  const BlockPlace place(args.tokens, /*heads=*/1, /*together=*/1, args.tokens.most_tokens);
  const Pieces<kWidth> z{shared_memory};
  const int group = GroupOfBlock();
  const Pieces<kWidth> left{shared_memory + z.Bytes(kKeys + group * kTileRows)};
  float* bias = reinterpret_cast<float*>(shared_memory + z.Bytes(kKeys + kGroups * kTileRows));
  const int num_tiles = (place.tokens + kTileRows - 1) / kTileRows;
  const int num_items = args.heads * num_tiles;
  const auto load_left = [&](int item) {
    if (item < num_items)
      left.Load(place.OfHead(Kind::Left(args), args.heads, args.width, item / num_tiles),
                item % num_tiles * kTileRows, kTileRows, 0, WarpOfGroup(), kGroupWarps);
    EndCopies();
  };
  const auto wait_for_copies = [&] {
    WaitForCopies<0>();
    ShowToProducts();
  };

  z.Load(place.Of(args.z, args.width), 0, kKeys, 0, WarpOfBlock(), kGroups * kGroupWarps);
  for (int key = static_cast<int>(threadIdx.x); key < kKeys; key += kThreads)
    bias[key] = key < place.tokens ? place.log_multiplicity[key] : -INFINITY;
  load_left(group);
  wait_for_copies();
  __syncthreads();
  for (int item = group; item < num_items; item += kGroups) {
    const Tile<kWidth> tile{place, item / num_tiles, item % num_tiles * kTileRows, left, z, bias};
    Weights<kKeys> weights;
    Kind::template Apply<kKeys>(args, tile, weights, [&] {
      GroupBarrier(1 + group);  // all have multiplied by what stands there
      load_left(item + kGroups);
    });
    StoreWeights<kKeys>(weights, tile.first_row,
                        place.Scores(Kind::Scores(args), args.tokens, args.heads, tile.head));
    float out[kWidth / 2];
    HoldSums(out);
    BeginProducts();
#pragma unroll
    for (int step = 0; step < kKeys / 16; ++step)
      MultiplyRegisters(out, weights[step], z.ByColumns(step * 16, 0), step > 0);
    EndProducts();
    HoldSums(out);
    StoreSums(out, tile.first_row,
              place.OfHead(Kind::Out(args), args.heads, args.width, tile.head));
    wait_for_copies();
    GroupBarrier(1 + group);
  }
}

// d_z of 64 keys a group; what is multiplied goes through kKeyStages of 64 queries.
constexpr int kKeyStages = 4;
constexpr int kBlockKeys = kGroups * kTileRows;

template <int kWidth>
__global__ void __launch_bounds__(kThreads) HopperKeysKernel(TokenAttention<T> args) {
  const BlockPlace place(args.tokens, /*heads=*/1, /*together=*/1, kBlockKeys);
  if (place.is_empty()) return;
  constexpr int kLeftBytes = Pieces<kBlockKeys>::Bytes(kStepRows);
  constexpr int kStageBytes = kLeftBytes + Pieces<kWidth>::Bytes(kStepRows);
  const int num_steps = place.num_steps(), num_products = 2 * args.heads * num_steps;
  const auto left = [&](int product) {
    return Pieces<kBlockKeys>{shared_memory + product % kKeyStages * kStageBytes};
  };
  const auto right = [&](int product) {
    return Pieces<kWidth>{shared_memory + product % kKeyStages * kStageBytes + kLeftBytes};
  };
  const auto load = [&](int product) {
    if (product < num_products) {
      const int query = product % num_steps * kStepRows, head = product / num_steps / 2;
      const bool as_values = product / num_steps % 2 == 0;
      const T* weights = as_values ? args.p : args.d_scores;
      left(product).Load(place.Scores(weights, args.tokens, args.heads, head), query, kStepRows,
                         place.begin, WarpOfBlock(), kGroups * kGroupWarps);
      right(product).Load(place.OfHead(as_values ? args.d_y : args.q, args.heads, args.width, head),
                          query, kStepRows, 0, WarpOfBlock(), kGroups * kGroupWarps);
    }
    EndCopies();  // one group a call
  };

  const int first_key = GroupOfBlock() * kTileRows;  // of the block's
  const bool has_keys = place.begin + first_key < place.tokens;
  float sums[kWidth / 2] = {};
  for (int product = 0; product + 1 < kKeyStages; ++product) load(product);
  for (int product = 0; product < num_products; ++product) {
    WaitForCopies<kKeyStages - 2>();
    ShowToProducts();
    __syncthreads();  // and all are done with the product before
    load(product + kKeyStages - 1);
    if (!has_keys) continue;
    HoldSums(sums);
    BeginProducts();
#pragma unroll
    for (int query = 0; query < kStepRows; query += 16)
      MultiplyShared<true, true>(sums, left(product).ByColumns(query, first_key),
                                 right(product).ByColumns(query, 0), true);
    EndProducts();
    HoldSums(sums);
  }
  if (has_keys) StoreSums(sums, place.begin + first_key, place.Of(args.d_z, args.width));
}

template <typename Kind, int kWidth, int kKeys>
void LaunchRows(Device& device, const TokenAttention<T>& args) {
  constexpr int kSharedBytes =
      Pieces<kWidth>::Bytes(kKeys + kGroups * kTileRows) + kKeys * static_cast<int>(sizeof(float));
  device.Launch(HopperRowsKernel<Kind, kWidth, kKeys>, {args.tokens.nodes, kThreads, kSharedBytes},
                args);
}

template <typename Kind, int kWidth>
void LaunchRowsOfWidth(Device& device, const TokenAttention<T>& args) {
  if (args.tokens.most_tokens <= 64) return LaunchRows<Kind, kWidth, 64>(device, args);
  if (args.tokens.most_tokens <= 192) return LaunchRows<Kind, kWidth, 192>(device, args);
  LaunchRows<Kind, kWidth, kHopperTokens>(device, args);
}

template <typename Kind>
void LaunchRowsOfKind(Device& device, const TokenAttention<T>& args) {
  if (args.width <= 64) return LaunchRowsOfWidth<Kind, 64>(device, args);
  if (args.width <= 128) return LaunchRowsOfWidth<Kind, 128>(device, args);
  LaunchRowsOfWidth<Kind, kHopperWidth>(device, args);
}

template <int kWidth>
void LaunchKeys(Device& device, const TokenAttention<T>& args) {
  constexpr int kSharedBytes =
      kKeyStages * (Pieces<kBlockKeys>::Bytes(kStepRows) + Pieces<kWidth>::Bytes(kStepRows));
  const int node_tiles = (args.tokens.most_tokens + kBlockKeys - 1) / kBlockKeys;
  device.Launch(HopperKeysKernel<kWidth>, {args.tokens.nodes * node_tiles, kThreads, kSharedBytes},
                args);
}

}  // namespace

void HopperAttentionForward(Device& device, const TokenAttention<T>& args) {
  LaunchRowsOfKind<HopperSoftmax>(device, args);
}

void HopperAttentionBackward(Device& device, const TokenAttention<T>& args) {
  LaunchRowsOfKind<HopperSoftmaxBackward>(device, args);
  if (args.width <= 64) return LaunchKeys<64>(device, args);
  if (args.width <= 128) return LaunchKeys<128>(device, args);
  LaunchKeys<kHopperWidth>(device, args);
}

}  // namespace quadhop::cuda
