// Token attention in bf16 on GPUs of compute capability 9.0, whose products read shared memory by
// themselves. By rows, a block has one node and all of its keys there; by keys, it has up to 192 of
// a node's keys.
#include "model/cuda/group_tiles.cuh"
#include "model/cuda/row_groups.cuh"

namespace quadhop::cuda {
namespace {

using T = __nv_bfloat16;

constexpr int kGroups = 2;  // of a block, by rows
constexpr int kThreads = kGroups * kGroupThreads;

// Probabilities, or gradients of scores, of a tile of rows as a product takes them: for 16 keys at
// a time.
template <int kKeys>
using Weights = uint32_t[kKeys / 16][4];

// Stores the weights of keys [kBegin, kEnd).
template <int kBegin, int kEnd, int kKeys>
__device__ void StoreWeights(const uint32_t (&weights)[kKeys][4], int first_row,
                             const NodeRows<T>& rows) {
#pragma unroll
  for (int step = kBegin / 16; step < kEnd / 16; step += 2)
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      uint32_t pairs[4] = {weights[step][lower], weights[step][2 + lower], weights[step + 1][lower],
                           weights[step + 1][2 + lower]};
      StoreTiles(pairs, first_row + RowOfThread() + lower * 8, step * 16, rows);
    }
}

// What a group has at hand for a tile of one head's rows.
template <int kKeys, int kWidth>
struct Tile {
  const BlockPlace& place;
  int head, first_row;
  Panels<kTileRows, kWidth> left;
  Panels<kKeys, kWidth> z;
  const float* bias;  // [keys]: log multiplicity, -inf beyond the last
};

// How many of a kernel's keys one product takes.
template <int kKeys>
constexpr int kForwardPart = kKeys == kHopperTokens ? 160 : 64;
constexpr int kBackwardPart = 64;  // leaves registers for the probabilities

template <int kFirst, int kKeys, int kWidth, int kSums>
__device__ void MultiplyByKeys(const Tile<kKeys, kWidth>& tile, float (&sums)[kSums]) {
  HoldSums(sums);
  BeginProducts();
#pragma unroll
  for (int c = 0; c < kWidth; c += 16)
    MultiplyShared<false, false>(sums, tile.left.ByRows(0, c), tile.z.ByRows(kFirst, c), c > 0);
}

// Forward. left is q; weights become the probabilities. load_next may overwrite left.
struct HopperSoftmax : ForwardRows {
  template <int kKeys, int kWidth, typename LoadNext>
  static __device__ void Apply(const TokenAttention<T>& args, const Tile<kKeys, kWidth>& tile,
                               Weights<kKeys>& weights, const LoadNext& load_next) {
    constexpr int kPart = kForwardPart<kKeys>, kParts = kKeys / kPart, kSums = kPart / 2;
    constexpr float kLog2E = 1.44269504f;
    float scores[kParts][kSums];
    MultiplyByKeys<0>(tile, scores[0]);
    if constexpr (kParts > 1) MultiplyByKeys<kPart>(tile, scores[1]);
    if constexpr (kParts > 2) MultiplyByKeys<2 * kPart>(tile, scores[2]);
    static_assert(kParts <= 3);
    EndProducts();
    WaitForProducts();
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
    StoreWeights<0, kKeys>(weights, tile.first_row,
                           tile.place.Scores(args.p, args.tokens, args.heads, tile.head));
  }
};

// Backward. left is d_y; weights become d_scores = p (d_p - d_y . y). Loads from memory are issued
// one part ahead, and stores run beside the next part's products.
struct HopperSoftmaxBackward : BackwardRows {
  template <int kKeys, int kWidth, typename LoadNext>
  static __device__ void Apply(const TokenAttention<T>& args, const Tile<kKeys, kWidth>& tile,
                               Weights<kKeys>& weights, const LoadNext& load_next) {
    const int row = tile.first_row + RowOfThread();
    const NodeRows<const T> y =
        tile.place.OfHead(static_cast<const T*>(args.y), args.heads, args.width, tile.head);
    uint32_t of_y[kWidth / 32][2][4];
    LoadBothRows(y, row, 0, of_y);
    Part of_p;
    LoadBothRows(Probabilities(args, tile), row, 0, of_p);
    float d_p[kBackwardPart / 2];
    MultiplyByKeys<0>(tile, d_p);
    EndProducts();
    float mean[2] = {};
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
#pragma unroll
      for (int i = 0; i < kWidth / 32; ++i) {
        const unsigned char* of_d_y =
            tile.left.Piece(RowOfThread() + lower * 8, i * 32 + Lane() % 4 * 8);
        AddProducts(of_y[i][lower], *reinterpret_cast<const uint4*>(of_d_y), mean[lower]);
      }
      mean[lower] = QuadSum(mean[lower]);
    }
    ApplyFrom<0, kKeys>(args, tile, mean, of_p, d_p, weights);
    load_next();
  }

 private:
  // Of 32 columns at a time, the four pairs that LoadTiles gives of each of a thread's two rows.
  using Part = uint32_t[kBackwardPart / 32][2][4];

  template <int kKeys, int kWidth>
  static __device__ NodeRows<const T> Probabilities(const TokenAttention<T>& args,
                                                    const Tile<kKeys, kWidth>& tile) {
    return tile.place.Scores(static_cast<const T*>(args.p), args.tokens, args.heads, tile.head);
  }

  template <int kTiles>
  static __device__ void LoadBothRows(const NodeRows<const T>& rows, int row, int first_column,
                                      uint32_t (&pairs)[kTiles][2][4]) {
#pragma unroll
    for (int i = 0; i < kTiles; ++i)
#pragma unroll
      for (int lower = 0; lower < 2; ++lower)
        LoadTiles(rows, row + lower * 8, first_column + i * 32, pairs[i][lower]);
  }

  static __device__ void AddProducts(const uint32_t (&a)[4], const uint4& b, float& sum) {
    const uint32_t of_b[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      sum = fmaf(First(a[i]), First(of_b[i]), sum);
      sum = fmaf(Second(a[i]), Second(of_b[i]), sum);
    }
  }

  // Applies it to the keys from kFirst on, whose d_p is being multiplied, one part after the other.
  template <int kFirst, int kKeys, int kWidth>
  static __device__ void ApplyFrom(const TokenAttention<T>& args, const Tile<kKeys, kWidth>& tile,
                                   const float (&mean)[2], Part& of_p,
                                   float (&d_p)[kBackwardPart / 2], Weights<kKeys>& weights) {
    constexpr int kNext = kFirst + kBackwardPart;
    Part next;
    if constexpr (kNext < kKeys)
      LoadBothRows(Probabilities(args, tile), tile.first_row + RowOfThread(), kNext, next);
    WaitForProducts();
    HoldSums(d_p);
#pragma unroll
    for (int i = 0; i < kBackwardPart / 32; ++i)
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) {
        uint32_t(&pairs)[4] = of_p[i][lower];
        TransposeInQuad(pairs);
#pragma unroll
        for (int tile_of = 0; tile_of < 4; ++tile_of) {
          const float* of_pair = d_p + (i * 4 + tile_of) * 4 + lower * 2;
          weights[kFirst / 16 + i * 2 + tile_of / 2][tile_of % 2 * 2 + lower] =
              Pack(First(pairs[tile_of]) * (of_pair[0] - mean[lower]),
                   Second(pairs[tile_of]) * (of_pair[1] - mean[lower]));
        }
      }
    if constexpr (kNext < kKeys) {
      MultiplyByKeys<kNext>(tile, d_p);
      EndProducts();
    }
    // Stored at once: storing all at the end would take more registers than there are.
    StoreWeights<kFirst, kNext>(
        weights, tile.first_row,
        tile.place.Scores(args.d_scores, args.tokens, args.heads, tile.head));
    if constexpr (kNext < kKeys) ApplyFrom<kNext, kKeys>(args, tile, mean, next, d_p, weights);
  }
};

// Columns that are summed at a time: all would not fit in registers beside the weights.
constexpr int kOutColumns = 128;

// Stores columns from kFirst on of weights z to rows `out`.
template <int kFirst, int kKeys, int kWidth>
__device__ void StoreProduct(const Weights<kKeys>& weights, const Tile<kKeys, kWidth>& tile,
                             NodeRows<T> out) {
  float sums[(kWidth < kOutColumns ? kWidth : kOutColumns) / 2];
  HoldSums(sums);
  BeginProducts();
#pragma unroll
  for (int step = 0; step < kKeys / 16; ++step)
    MultiplyRegisters(sums, weights[step], tile.z.ByColumns(step * 16, kFirst), step > 0);
  EndProducts();
  WaitForProducts();
  HoldSums(sums);
  StoreSums(sums, tile.first_row, kFirst, out);
}

// One block per node, whose groups take tiles of rows of its heads in turn.
template <typename Kind, int kWidth, int kKeys>
__global__ void __launch_bounds__(kThreads) HopperRowsKernel(TokenAttention<T> args) {
  const BlockPlace place(args.tokens, /*heads=*/1, /*together=*/1, args.tokens.most_tokens);
  const RowsOperands<T> operands = Kind::Of(args);
  using Keys = Panels<kKeys, kWidth>;
  using Rows = Panels<kTileRows, kWidth>;
  const int group = GroupOfBlock();
  const Keys z{shared_memory};
  const Rows left{shared_memory + Keys::kBytes + group * Rows::kBytes};
  float* bias = reinterpret_cast<float*>(shared_memory + Keys::kBytes + kGroups * Rows::kBytes);
  const int num_tiles = (place.tokens + kTileRows - 1) / kTileRows;
  const int num_items = args.heads * num_tiles;
  const auto load_left = [&](int item) {
    if (item < num_items)
      left.Load(place.OfHead(operands.left, args.heads, args.width, item / num_tiles),
                item % num_tiles * kTileRows, 0, WarpOfGroup(), kGroupWarps);
    EndCopies();
  };
  const auto wait_for_copies = [&] {
    WaitForCopies<0>();
    ShowToProducts();
  };

  z.Load(place.Of(args.z, args.width), 0, 0, WarpOfBlock(), kGroups * kGroupWarps);
  for (int key = static_cast<int>(threadIdx.x); key < kKeys; key += kThreads)
    bias[key] = key < place.tokens ? place.log_multiplicity[key] : -INFINITY;
  load_left(group);
  wait_for_copies();
  __syncthreads();
  for (int item = group; item < num_items; item += kGroups) {
    const Tile<kKeys, kWidth> tile{place, item / num_tiles, item % num_tiles * kTileRows, left, z,
                                   bias};
    Weights<kKeys> weights;
    Kind::template Apply<kKeys>(args, tile, weights, [&] {
      GroupBarrier(1 + group);  // all have multiplied what is there
      load_left(item + kGroups);
    });
    const NodeRows<T> out = place.OfHead(operands.out, args.heads, args.width, tile.head);
    StoreProduct<0, kKeys>(weights, tile, out);
    if constexpr (kWidth > kOutColumns) StoreProduct<kOutColumns, kKeys>(weights, tile, out);
    wait_for_copies();
    GroupBarrier(1 + group);
  }
}

// d_z of 64 keys per group; what is multiplied goes through stages of 64 queries. Each block of a
// node reads all its queries. Registers hold the sums of at most three groups.
constexpr int kMostKeyGroups = 3;
template <int kWidth>
constexpr int kKeyStages = kWidth == 64 ? 3 : 4;  // 3 if narrow, so that two blocks fit

template <int kWidth, int kKeyGroups>
__global__ void __launch_bounds__(kKeyGroups* kGroupThreads)
    HopperKeysKernel(TokenAttention<T> args) {
  constexpr int kBlockKeys = kKeyGroups * kTileRows, kWarps = kKeyGroups * kGroupWarps;
  const BlockPlace place(args.tokens, /*heads=*/1, /*together=*/1, kBlockKeys);
  if (place.is_empty()) return;
  using Left = Panels<kStepRows, kBlockKeys>;
  using Right = Panels<kStepRows, kWidth>;
  constexpr int kStageBytes = Left::kBytes + Right::kBytes;
  const int num_products = 2 * args.heads * place.num_steps();
  const auto left = [&](int product) {
    return Left{shared_memory + product % kKeyStages<kWidth> * kStageBytes};
  };
  const auto right = [&](int product) {
    return Right{shared_memory + product % kKeyStages<kWidth> * kStageBytes + Left::kBytes};
  };
  const auto load = [&](int product) {
    if (product < num_products) {
      const KeysProduct<T> of(args, place, product);
      left(product).Load(of.left, of.query, place.begin, WarpOfBlock(), kWarps);
      right(product).Load(of.right, of.query, 0, WarpOfBlock(), kWarps);
    }
    EndCopies();  // one group per call
  };

  const int first_key = GroupOfBlock() * kTileRows;  // of the block's
  const bool has_keys = place.begin + first_key < place.tokens;
  float sums[kWidth / 2] = {};
  for (int product = 0; product + 1 < kKeyStages<kWidth>; ++product) load(product);
  for (int product = 0; product < num_products; ++product) {
    WaitForCopies<kKeyStages<kWidth> - 2>();
    ShowToProducts();
    __syncthreads();  // and all are done with the previous product
    if (has_keys) {
      HoldSums(sums);
      BeginProducts();
#pragma unroll
      for (int query = 0; query < kStepRows; query += 16)
        MultiplyShared<true, true>(sums, left(product).ByColumns(query, first_key),
                                   right(product).ByColumns(query, 0), true);
      EndProducts();
    }
    load(product + kKeyStages<kWidth> - 1);
    WaitForProducts();
    HoldSums(sums);
  }
  if (has_keys) StoreSums(sums, place.begin + first_key, 0, place.Of(args.d_z, args.width));
}

template <typename Kind, int kWidth, int kKeys>
void LaunchRows(Device& device, const TokenAttention<T>& args) {
  constexpr int kSharedBytes = Panels<kKeys, kWidth>::kBytes +
                               kGroups * Panels<kTileRows, kWidth>::kBytes +
                               kKeys * static_cast<int>(sizeof(float));
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

template <int kWidth, int kKeyGroups>
void LaunchKeys(Device& device, const TokenAttention<T>& args, int64_t node_blocks) {
  constexpr int kBlockKeys = kKeyGroups * kTileRows;
  constexpr int kSharedBytes = kKeyStages<kWidth> * (Panels<kStepRows, kBlockKeys>::kBytes +
                                                     Panels<kStepRows, kWidth>::kBytes);
  device.Launch(HopperKeysKernel<kWidth, kKeyGroups>,
                {args.tokens.nodes * node_blocks, kKeyGroups * kGroupThreads, kSharedBytes}, args);
}

// Sums are the same in blocks of any size.
template <int kWidth>
void LaunchKeysOfWidth(Device& device, const TokenAttention<T>& args) {
  const int tiles = (args.tokens.most_tokens + kTileRows - 1) / kTileRows;
  const int node_blocks = (tiles + kMostKeyGroups - 1) / kMostKeyGroups;
  if (tiles > 2 * node_blocks) return LaunchKeys<kWidth, 3>(device, args, node_blocks);
  LaunchKeys<kWidth, 2>(device, args, node_blocks);
}

}  // namespace

void HopperAttentionForward(Device& device, const TokenAttention<T>& args) {
  LaunchRowsOfKind<HopperSoftmax>(device, args);
}

void HopperAttentionBackward(Device& device, const TokenAttention<T>& args) {
  LaunchRowsOfKind<HopperSoftmaxBackward>(device, args);
  if (args.width <= 64) return LaunchKeysOfWidth<64>(device, args);
  if (args.width <= 128) return LaunchKeysOfWidth<128>(device, args);
  LaunchKeysOfWidth<kHopperWidth>(device, args);
}

}  // namespace quadhop::cuda
