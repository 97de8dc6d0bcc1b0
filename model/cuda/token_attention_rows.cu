// Token attention by rows: probabilities and values of a tile of queries; backward, gradients of
// their scores and of the queries.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "model/cuda/token_attention.cuh"

namespace quadhop::cuda {
namespace {

// The shared memory of a block, in bytes from its begin.
struct RowsLayout {
  int left_stride;     // elements between rows of q, or d_y
  int score_stride;    // of probabilities, in the same place later
  int z_offset;        // of kStages tiles of keys
  int bias_offset;     // [keys]: log multiplicity, -inf beyond the last
  int partial_offset;  // [2, rows, kColumnWarps]: of sums over rows
  int bytes;

  template <typename T>
  static RowsLayout Of(int rows, int tokens, int width) {
    constexpr int kBytes = static_cast<int>(sizeof(T));
    const int keys = (tokens + kStepRows - 1) / kStepRows * kStepRows;
    RowsLayout layout{};
    layout.left_stride = RowStride<T>(width);
    layout.score_stride = RowStride<T>(keys);
    layout.z_offset = rows * std::max(layout.left_stride, layout.score_stride) * kBytes;
    layout.bias_offset = layout.z_offset + kStages<T> * kStepRows * layout.left_stride * kBytes;
    layout.partial_offset = layout.bias_offset + keys * 4;
    layout.bytes = layout.partial_offset + 2 * rows * kColumnWarps * 4;
    return layout;
  }
};

// The scores of a block, [kRows, kMostSteps * kStepRows], in registers.
template <int kRows, int kMostSteps>
struct BlockScores {
  static constexpr int kRowTiles = kRows / kRowWarps / kTileSide;

  // Calls visit(i, lower, first, second, row, column) for each two neighbours, values of row tile i
  // of the warp, in its upper or lower half.
  template <typename Visit>
  __device__ void ForEachPair(int num_steps, const Visit& visit) {
    const int warp = WarpOfBlock();
    const int first_row = warp / kColumnWarps * kRowTiles * kTileSide + Lane() / 4;
    const int first_column = warp % kColumnWarps * kTileSide + Lane() % 4 * 2;
#pragma unroll
    for (int step = 0; step < kMostSteps; ++step) {
      if (step >= num_steps) continue;
#pragma unroll
      for (int i = 0; i < kRowTiles; ++i)
#pragma unroll
        for (int j = 0; j < 2; ++j)
#pragma unroll
          for (int lower = 0; lower < 2; ++lower)
            visit(i, lower, of_step[step][i][j][2 * lower], of_step[step][i][j][2 * lower + 1],
                  first_row + i * kTileSide + lower * 8, step * kStepRows + first_column + j * 8);
    }
  }

  // Over all columns: value[i][lower], what a thread has of its rows, combined over the threads.
  // partial [kRows, kColumnWarps] is shared memory for this alone. In step.
  template <typename Combine>
  __device__ void CombineRows(float (&value)[kRowTiles][2], float* partial,
                              const Combine& combine) const {
    const int row = WarpOfBlock() / kColumnWarps * kRowTiles * kTileSide + Lane() / 4;
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i)
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) {
        float& of_row = value[i][lower];
        for (int distance = 1; distance < 4; distance *= 2)
          of_row = combine(of_row, __shfl_xor_sync(kAllLanes, of_row, distance));
        if (Lane() % 4 == 0)
          partial[(row + i * kTileSide + lower * 8) * kColumnWarps + WarpOfBlock() % kColumnWarps] =
              of_row;
      }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i)
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) {
        const float* of_row = partial + (row + i * kTileSide + lower * 8) * kColumnWarps;
        value[i][lower] = combine(combine(of_row[0], of_row[1]), combine(of_row[2], of_row[3]));
      }
  }

  WarpSums<kRowTiles, 1> of_step[kMostSteps] = {};
};

// Forward: scores to probabilities, which are put to `p` and args.p.
struct Softmax {
  template <typename T>
  static __device__ NodeRows<const T> Left(const TokenAttention<T>& args, const BlockPlace& place) {
    return place.OfHead(args.q, args.heads, args.width, place.head);
  }
  template <typename T>
  static __device__ NodeRows<T> Scores(const TokenAttention<T>& args, const BlockPlace& place) {
    return place.Scores(args.p, args.tokens, args.heads, place.head);
  }
  template <typename T>
  static __device__ NodeRows<T> Out(const TokenAttention<T>& args, const BlockPlace& place) {
    return place.OfHead(args.y, args.heads, args.width, place.head);
  }

  template <typename T, int kRows, int kMostSteps>
  static __device__ void Apply(const TokenAttention<T>&, const BlockPlace& place,
                               BlockScores<kRows, kMostSteps>& scores, const RowsLayout& layout,
                               T* p) {
    constexpr int kRowTiles = BlockScores<kRows, kMostSteps>::kRowTiles;
    const auto* bias = reinterpret_cast<const float*>(shared_memory + layout.bias_offset);
    auto* partial = reinterpret_cast<float*>(shared_memory + layout.partial_offset);
    const int num_steps = place.num_steps();
    float top[kRowTiles][2], sum[kRowTiles][2] = {};
    for (auto& of_tile : top) of_tile[0] = of_tile[1] = -INFINITY;
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int, int column) {
                         first += bias[column];
                         second += bias[column + 1];
                         top[i][lower] = fmaxf(top[i][lower], fmaxf(first, second));
                       });
    scores.CombineRows(top, partial, [](float a, float b) { return fmaxf(a, b); });
    scores.ForEachPair(num_steps, [&](int i, int lower, float& first, float& second, int, int) {
      first = expf(first - top[i][lower]);
      second = expf(second - top[i][lower]);
      sum[i][lower] += first + second;
    });
    scores.CombineRows(sum, partial + kRows * kColumnWarps, [](float a, float b) { return a + b; });
    for (auto& of_tile : sum)
      for (float& of_row : of_tile) of_row = 1.0f / of_row;
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int row, int column) {
                         StorePair(first * sum[i][lower], second * sum[i][lower],
                                   p + row * layout.score_stride + column);
                       });
  }
};

// Backward: d_p, from d_y, to d_scores = p (d_p - sum_j p_j d_p_j).
struct SoftmaxBackward {
  template <typename T>
  static __device__ NodeRows<const T> Left(const TokenAttention<T>& args, const BlockPlace& place) {
    return place.OfHead(args.d_y, args.heads, args.width, place.head);
  }
  template <typename T>
  static __device__ NodeRows<T> Scores(const TokenAttention<T>& args, const BlockPlace& place) {
    return place.Scores(args.d_scores, args.tokens, args.heads, place.head);
  }
  template <typename T>
  static __device__ NodeRows<T> Out(const TokenAttention<T>& args, const BlockPlace& place) {
    return place.OfHead(args.d_q, args.heads, args.width, place.head);
  }

  template <typename T, int kRows, int kMostSteps>
  static __device__ void Apply(const TokenAttention<T>& args, const BlockPlace& place,
                               BlockScores<kRows, kMostSteps>& scores, const RowsLayout& layout,
                               T* p) {
    auto* partial = reinterpret_cast<float*>(shared_memory + layout.partial_offset);
    const int num_steps = place.num_steps();
    __syncthreads();  // all have made their scores of what stands where p goes
    LoadRows(place.Scores(static_cast<const T*>(args.p), args.tokens, args.heads, place.head),
             place.begin, kRows, 0, num_steps * kStepRows, layout.score_stride, p);
    EndCopies();
    WaitForCopies<0>();
    __syncthreads();
    float sum[BlockScores<kRows, kMostSteps>::kRowTiles][2] = {};
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int row, int column) {
                         const T* of_pair = p + row * layout.score_stride + column;
                         sum[i][lower] = fmaf(ToFloat(of_pair[0]), first, sum[i][lower]);
                         sum[i][lower] = fmaf(ToFloat(of_pair[1]), second, sum[i][lower]);
                       });
    scores.CombineRows(sum, partial, [](float a, float b) { return a + b; });
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int row, int column) {
                         T* of_pair = p + row * layout.score_stride + column;
                         StorePair(ToFloat(of_pair[0]) * (first - sum[i][lower]),
                                   ToFloat(of_pair[1]) * (second - sum[i][lower]), of_pair);
                       });
  }
};

// scores = Kind::Apply(left z^T); out = scores z. A block has kRows rows of one node and head.
template <typename Kind, typename T, int kRows, int kMostSteps>
__global__ void __launch_bounds__(kBlockThreads,
                                  (sizeof(T) == 2 && kRows * kMostSteps <= 320) ? 2 : 1)
    RowsKernel(TokenAttention<T> args, RowsLayout layout) {
  const BlockPlace place(args.tokens, args.heads, kRows);
  if (place.is_empty()) return;
  const NodeRows<const T> z = place.Of(args.z, args.width);
  const int columns = RowColumns(args.width), num_steps = place.num_steps();
  T* const left = reinterpret_cast<T*>(shared_memory);  // [kRows], later the probabilities
  const auto z_rows = [&](int step) {
    return reinterpret_cast<T*>(shared_memory + layout.z_offset) +
           step % kStages<T> * kStepRows * layout.left_stride;
  };
  const auto load = [&](int step) {
    if (step >= 0 && step < num_steps)
      LoadRows(z, step * kStepRows, kStepRows, 0, columns, layout.left_stride, z_rows(step));
    EndCopies();  // one group a call
  };

  auto* bias = reinterpret_cast<float*>(shared_memory + layout.bias_offset);
  for (int key = static_cast<int>(threadIdx.x); key < num_steps * kStepRows; key += kBlockThreads)
    bias[key] = key < place.tokens ? place.log_multiplicity[key] : -INFINITY;
  LoadRows(Kind::Left(args, place), place.begin, kRows, 0, columns, layout.left_stride, left);
  load(0);

  using Sums = BlockSums<T, kRows>;
  BlockScores<kRows, kMostSteps> scores;
#pragma unroll
  for (int step = 0; step < kMostSteps; ++step) {
    if (step >= num_steps) continue;
    if constexpr (kStages<T> == 2) load(step + 1);
    WaitForCopies<kStages<T> - 1>();
    __syncthreads();
    AddProduct<Stored::kPlain, Stored::kTransposed, Sums::kRowTiles, 1>(
        scores.of_step[step], 1, 0, SharedMatrix<T>{left, layout.left_stride}.From(Sums::Row()),
        SharedMatrix<T>{z_rows(step), layout.left_stride}.From(Sums::Column()), columns);
    if (kStages<T> == 2 || step + 1 < num_steps) __syncthreads();
    if constexpr (kStages<T> == 1) {
      if (step + 1 < num_steps) load(step + 1);
    }
  }

  Kind::template Apply<T, kRows, kMostSteps>(args, place, scores, layout, left);
  __syncthreads();
  StoreRows(left, layout.score_stride, place.begin, kRows, num_steps * kStepRows,
            Kind::Scores(args, place));

  // From the last keys, which are there still, to the first.
  Sums sums(columns);
  for (int step = num_steps - 1; step >= 0; --step) {
    WaitForCopies<kStages<T> - 1>();
    __syncthreads();
    sums.template Add<Stored::kPlain>({left + step * kStepRows, layout.score_stride},
                                      {z_rows(step), layout.left_stride}, kStepRows);
    __syncthreads();
    load(step - kStages<T>);
  }
  sums.Store(left, layout.left_stride);
  __syncthreads();
  StoreRows(left, layout.left_stride, place.begin, kRows, columns, Kind::Out(args, place));
}

template <typename Kind, typename T, int kRows, int kMostSteps>
bool LaunchIfFits(Device& device, const TokenAttention<T>& args) {
  const int tokens = args.tokens.most_tokens;
  const RowsLayout layout = RowsLayout::Of<T>(kRows, tokens, args.width);
  if (tokens > kMostSteps * kStepRows || args.width > BlockSums<T, kRows>::kMostWidth ||
      static_cast<size_t>(layout.bytes) > device.shared_bytes_per_block())
    return false;
  device.Launch(RowsKernel<Kind, T, kRows, kMostSteps>,
                {args.tokens.nodes * args.heads * ((tokens + kRows - 1) / kRows), kBlockThreads,
                 static_cast<size_t>(layout.bytes)},
                args, layout);
  return true;
}

template <typename Kind, typename T>
void LaunchRows(Device& device, const TokenAttention<T>& args) {
  if (LaunchIfFits<Kind, T, 64, 5>(device, args) || LaunchIfFits<Kind, T, 32, 10>(device, args) ||
      LaunchIfFits<Kind, T, 32, 20>(device, args))
    return;
  device.Note(AttentionTooLarge(device, args.tokens.most_tokens, args.width));
}

}  // namespace

absl::Status AttentionTooLarge(const Device& device, int tokens, int width) {
  return absl::InvalidArgumentError(
      absl::StrCat("attention of ", tokens, " tokens of width ", width, " is more than a block of ",
                   device.name(),
                   " takes (some 1200 tokens, a width of 512): lower sampler.sampled_nodes or "
                   "model.width, or set model.backend=CPU"));
}

template <typename T>
void TokenAttentionForward(Device& device, const TokenAttention<T>& args) {
  LaunchRows<Softmax>(device, args);
}

template <typename T>
void TokenAttentionBackward(Device& device, const TokenAttention<T>& args) {
  LaunchRows<SoftmaxBackward>(device, args);
  TokenAttentionBackwardKeys(device, args);
}

template void TokenAttentionForward(Device&, const TokenAttention<float>&);
template void TokenAttentionForward(Device&, const TokenAttention<__nv_bfloat16>&);
template void TokenAttentionBackward(Device&, const TokenAttention<float>&);
template void TokenAttentionBackward(Device&, const TokenAttention<__nv_bfloat16>&);

}  // namespace quadhop::cuda
