// Token attention by rows: probabilities and values of a tile of queries; backward, gradients of
// their scores and of the queries.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "model/cuda/token_attention.cuh"

namespace quadhop::cuda {
namespace {

// How a block divides its work: kRows rows of each of kHeads heads, each by kHeadWarps warps, which
// share the keys that are loaded; up to kMostSteps * kStepRows keys.
template <int rows, int most_steps, int heads>
struct Split {
  static constexpr int kRows = rows, kMostSteps = most_steps, kHeads = heads;
  static constexpr int kHeadWarps = kRows == kTileSide ? kColumnWarps : 2 * kColumnWarps;
  static constexpr int kThreads = kHeads * kHeadWarps * kWarpThreads;
  static constexpr int kRowTiles = kRows / (kHeadWarps / kColumnWarps) / kTileSide;

  __device__ static int WarpOfHead() { return WarpOfBlock() % kHeadWarps; }
  __device__ static int HeadOfBlock() { return WarpOfBlock() / kHeadWarps; }
};

// The shared memory of a block, in bytes from its beginning.
struct RowsLayout {
  int left_stride;     // elements between rows of q, or d_y
  int score_stride;    // of probabilities, in the same place later
  int left_bytes;      // of a head
  int z_offset;        // of kStages tiles of keys
  int bias_offset;     // [keys]: log multiplicity, -inf beyond the last
  int partial_offset;  // [heads, 2, rows, kColumnWarps]: of sums over rows
  int bytes;

  template <typename T>
  static RowsLayout Of(int rows, int heads, int tokens, int width) {
    constexpr int kBytes = static_cast<int>(sizeof(T));
    const int keys = (tokens + kStepRows - 1) / kStepRows * kStepRows;
    RowsLayout layout{};
    layout.left_stride = RowStride<T>(width);
    layout.score_stride = RowStride<T>(keys);
    layout.left_bytes = rows * std::max(layout.left_stride, layout.score_stride) * kBytes;
    layout.z_offset = heads * layout.left_bytes;
    layout.bias_offset = layout.z_offset + kStages<T> * kStepRows * layout.left_stride * kBytes;
    layout.partial_offset = layout.bias_offset + keys * 4;
    layout.bytes = layout.partial_offset + heads * 2 * rows * kColumnWarps * 4;
    return layout;
  }

  // The q, d_y or probabilities of a head of the block.
  template <typename T>
  __device__ T* Left(int head) const {
    return reinterpret_cast<T*>(shared_memory + head * left_bytes);
  }
  template <typename T>
  __device__ T* Keys(int step) const {
    return reinterpret_cast<T*>(shared_memory + z_offset) +
           step % kStages<T> * kStepRows * left_stride;
  }
  __device__ float* bias() const { return reinterpret_cast<float*>(shared_memory + bias_offset); }
  // Partial sums of the thread's head; `sum` is 0 or 1.
  template <typename Split>
  __device__ float* Partial(int sum) const {
    return reinterpret_cast<float*>(shared_memory + partial_offset) +
           (Split::HeadOfBlock() * 2 + sum) * Split::kRows * kColumnWarps;
  }
};

// The scores of a head of a block, [kRows, kMostSteps * kStepRows], in the registers of its warps.
template <typename Split>
struct HeadScores {
  static constexpr int kRowTiles = Split::kRowTiles;

  __device__ static int FirstRow() {
    return Split::WarpOfHead() / kColumnWarps * kRowTiles * kTileSide;
  }
  __device__ static int FirstColumn() { return Split::WarpOfHead() % kColumnWarps * kTileSide; }

  // Calls visit(i, lower, first, second, row, column) for each pair of neighbours, values of row
  // tile i of the warp, in its upper or lower half.
  template <typename Visit>
  __device__ void ForEachPair(int num_steps, const Visit& visit) {
    const int first_row = FirstRow() + Lane() / 4;
    const int first_column = FirstColumn() + Lane() % 4 * 2;
#pragma unroll
    for (int step = 0; step < Split::kMostSteps; ++step) {
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
    const int row = FirstRow() + Lane() / 4;
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i)
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) {
        float& of_row = value[i][lower];
        for (int distance = 1; distance < 4; distance *= 2)
          of_row = combine(of_row, __shfl_xor_sync(kAllLanes, of_row, distance));
        if (Lane() % 4 == 0)
          partial[(row + i * kTileSide + lower * 8) * kColumnWarps +
                  Split::WarpOfHead() % kColumnWarps] = of_row;
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

  WarpSums<kRowTiles, 1> of_step[Split::kMostSteps] = {};
};

// Forward: turns scores into probabilities, which take the place of q in shared memory.
struct Softmax : ForwardRows {
  template <typename T, typename Split>
  static __device__ void Apply(const TokenAttention<T>&, const BlockPlace& place,
                               HeadScores<Split>& scores, const RowsLayout& layout) {
    constexpr float kLog2E = 1.44269504f;
    T* p = layout.Left<T>(Split::HeadOfBlock());
    const float* bias = layout.bias();
    const int num_steps = place.num_steps();
    float top[Split::kRowTiles][2], sum[Split::kRowTiles][2] = {};
    for (auto& of_tile : top) of_tile[0] = of_tile[1] = -INFINITY;
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int, int column) {
                         first += bias[column];
                         second += bias[column + 1];
                         top[i][lower] = fmaxf(top[i][lower], fmaxf(first, second));
                       });
    scores.CombineRows(top, layout.Partial<Split>(0), [](float a, float b) { return fmaxf(a, b); });
    for (auto& of_tile : top)
      for (float& of_row : of_tile) of_row *= kLog2E;
    scores.ForEachPair(num_steps, [&](int i, int lower, float& first, float& second, int, int) {
      first = exp2f(fmaf(first, kLog2E, -top[i][lower]));
      second = exp2f(fmaf(second, kLog2E, -top[i][lower]));
      sum[i][lower] += first + second;
    });
    scores.CombineRows(sum, layout.Partial<Split>(1), [](float a, float b) { return a + b; });
    for (auto& of_tile : sum)
      for (float& of_row : of_tile) of_row = 1.0f / of_row;
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int row, int column) {
                         StorePair(first * sum[i][lower], second * sum[i][lower],
                                   p + row * layout.score_stride + column);
                       });
  }
};

// Backward: turns d_p, from d_y, into d_scores = p (d_p - sum_j p_j d_p_j).
struct SoftmaxBackward : BackwardRows {
  template <typename T, typename Split>
  static __device__ void Apply(const TokenAttention<T>& args, const BlockPlace& place,
                               HeadScores<Split>& scores, const RowsLayout& layout) {
    T* p = layout.Left<T>(Split::HeadOfBlock());
    const int num_steps = place.num_steps();
    __syncthreads();  // all have made their scores from what is where p goes
    for (int head = 0; head < Split::kHeads; ++head)
      LoadRows(
          place.Scores(static_cast<const T*>(args.p), args.tokens, args.heads, place.head + head),
          place.begin, Split::kRows, 0, num_steps * kStepRows, layout.score_stride,
          layout.Left<T>(head));
    EndCopies();
    WaitForCopies<0>();
    __syncthreads();
    float sum[Split::kRowTiles][2] = {};
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int row, int column) {
                         const T* of_pair = p + row * layout.score_stride + column;
                         sum[i][lower] = fmaf(ToFloat(of_pair[0]), first, sum[i][lower]);
                         sum[i][lower] = fmaf(ToFloat(of_pair[1]), second, sum[i][lower]);
                       });
    scores.CombineRows(sum, layout.Partial<Split>(0), [](float a, float b) { return a + b; });
    scores.ForEachPair(num_steps,
                       [&](int i, int lower, float& first, float& second, int row, int column) {
                         T* of_pair = p + row * layout.score_stride + column;
                         StorePair(ToFloat(of_pair[0]) * (first - sum[i][lower]),
                                   ToFloat(of_pair[1]) * (second - sum[i][lower]), of_pair);
                       });
  }
};

// scores = Kind::Apply(left z^T); out = scores z. A block has kRows rows of kHeads heads of a node.
template <typename Kind, typename T, typename Split>
__global__ void __launch_bounds__(Split::kThreads, sizeof(T) == 2 && Split::kThreads == 256 &&
                                                           Split::kRows * Split::kMostSteps <= 320
                                                       ? 2
                                                       : 1)
    RowsKernel(TokenAttention<T> args, RowsLayout layout) {
  const BlockPlace place(args.tokens, args.heads, Split::kHeads, Split::kRows);
  if (place.is_empty()) return;
  const RowsOperands<T> operands = Kind::Of(args);
  const NodeRows<const T> z = place.Of(args.z, args.width);
  const int columns = RowColumns(args.width), num_steps = place.num_steps();
  const auto load = [&](int step) {
    if (step >= 0 && step < num_steps)
      LoadRows(z, step * kStepRows, kStepRows, 0, columns, layout.left_stride,
               layout.Keys<T>(step));
    EndCopies();  // one group per call
  };

  for (int key = static_cast<int>(threadIdx.x); key < num_steps * kStepRows; key += Split::kThreads)
    layout.bias()[key] = key < place.tokens ? place.log_multiplicity[key] : -INFINITY;
  for (int head = 0; head < Split::kHeads; ++head)
    LoadRows(place.OfHead(operands.left, args.heads, args.width, place.head + head), place.begin,
             Split::kRows, 0, columns, layout.left_stride, layout.Left<T>(head));
  load(0);

  T* const left = layout.Left<T>(Split::HeadOfBlock());  // later the probabilities
  HeadScores<Split> scores;
#pragma unroll
  for (int step = 0; step < Split::kMostSteps; ++step) {
    if (step >= num_steps) continue;
    if constexpr (kStages<T> == 2) load(step + 1);
    WaitForCopies<kStages<T> - 1>();
    __syncthreads();
    AddProduct<Stored::kPlain, Stored::kTransposed, Split::kRowTiles, 1>(
        scores.of_step[step], 1, 0,
        SharedMatrix<T>{left, layout.left_stride}.From(scores.FirstRow()),
        SharedMatrix<T>{layout.Keys<T>(step), layout.left_stride}.From(scores.FirstColumn()),
        columns);
    if (kStages<T> == 2 || step + 1 < num_steps) __syncthreads();
    if constexpr (kStages<T> == 1) {
      if (step + 1 < num_steps) load(step + 1);
    }
  }

  Kind::template Apply<T, Split>(args, place, scores, layout);
  __syncthreads();
  for (int head = 0; head < Split::kHeads; ++head)
    StoreRows(layout.Left<T>(head), layout.score_stride, place.begin, Split::kRows,
              num_steps * kStepRows,
              place.Scores(operands.scores, args.tokens, args.heads, place.head + head));

  // From the last keys, which are still there, to the first.
  BlockSums<T, Split::kRowTiles> sums(Split::WarpOfHead(), columns);
  for (int step = num_steps - 1; step >= 0; --step) {
    WaitForCopies<kStages<T> - 1>();
    __syncthreads();
    sums.template Add<Stored::kPlain>({left + step * kStepRows, layout.score_stride},
                                      {layout.Keys<T>(step), layout.left_stride}, kStepRows);
    __syncthreads();
    load(step - kStages<T>);
  }
  sums.Store(left, layout.left_stride);
  __syncthreads();
  for (int head = 0; head < Split::kHeads; ++head)
    StoreRows(layout.Left<T>(head), layout.left_stride, place.begin, Split::kRows, columns,
              place.OfHead(operands.out, args.heads, args.width, place.head + head));
}

template <typename Split, typename T>
RowsLayout LayoutOf(const TokenAttention<T>& args, int tokens) {
  return RowsLayout::Of<T>(Split::kRows, Split::kHeads, tokens, args.width);
}

// Whether a block takes nodes of so many tokens. It then takes those of fewer.
template <typename Split, typename T>
bool Fits(const Device& device, const TokenAttention<T>& args, int tokens) {
  return tokens <= Split::kMostSteps * kStepRows && args.heads % Split::kHeads == 0 &&
         args.width <= BlockSums<T, Split::kRowTiles>::kMostWidth &&
         static_cast<size_t>(LayoutOf<Split>(args, tokens).bytes) <=
             device.shared_bytes_per_block();
}

template <typename Kind, typename Split, typename T>
bool LaunchIfFits(Device& device, const TokenAttention<T>& args) {
  const int tokens = args.tokens.most_tokens;
  if (!Fits<Split>(device, args, tokens)) return false;
  const RowsLayout layout = LayoutOf<Split>(args, tokens);
  const int64_t node_tiles = (tokens + Split::kRows - 1) / Split::kRows;
  device.Launch(RowsKernel<Kind, T, Split>,
                {args.tokens.nodes * (args.heads / Split::kHeads) * node_tiles, Split::kThreads,
                 static_cast<size_t>(layout.bytes)},
                args, layout);
  return true;
}

// What no batch of the model may have is refused at the first, not when a batch has it.
template <typename Kind, typename... Splits, typename T>
void LaunchFirstThatFits(Device& device, const TokenAttention<T>& args) {
  if ((Fits<Splits>(device, args, args.token_limit) || ...))
    static_cast<void>((LaunchIfFits<Kind, Splits>(device, args) || ...));
  else
    device.Note(AttentionTooLarge(device, args.token_limit, args.width));
}

template <typename Kind>
void LaunchRows(Device& device, const TokenAttention<float>& args) {
  LaunchFirstThatFits<Kind, Split<64, 5, 1>, Split<32, 10, 1>, Split<32, 20, 1>, Split<16, 20, 1>>(
      device, args);
}
template <typename Kind>
void LaunchRows(Device& device, const TokenAttention<__nv_bfloat16>& args) {
  LaunchFirstThatFits<Kind, Split<64, 5, 2>, Split<64, 5, 1>, Split<32, 10, 1>, Split<32, 20, 1>,
                      Split<16, 20, 1>>(device, args);
}

}  // namespace

absl::Status AttentionTooLarge(const Device& device, int tokens, int width) {
  return absl::InvalidArgumentError(
      absl::StrCat("attention of ", tokens, " tokens of width ", width, " is more than a block of ",
                   device.name(), " can take (at most 1280 tokens, a width of 512, and what its ",
                   device.shared_bytes_per_block() >> 10,
                   " KB of shared memory hold): lower model.width or sampler.sampled_nodes, set "
                   "model.precision=BF16, or model.backend=CPU"));
}

template <typename T>
void PortableAttentionForward(Device& device, const TokenAttention<T>& args) {
  LaunchRows<Softmax>(device, args);
}

template <typename T>
void PortableAttentionBackward(Device& device, const TokenAttention<T>& args) {
  LaunchRows<SoftmaxBackward>(device, args);
  TokenAttentionBackwardKeys(device, args);
}

template void PortableAttentionForward(Device&, const TokenAttention<float>&);
template void PortableAttentionForward(Device&, const TokenAttention<__nv_bfloat16>&);
template void PortableAttentionBackward(Device&, const TokenAttention<float>&);
template void PortableAttentionBackward(Device&, const TokenAttention<__nv_bfloat16>&);

}  // namespace quadhop::cuda
