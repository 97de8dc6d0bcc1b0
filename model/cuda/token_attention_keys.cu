// Token attention backward, by keys: what they get as values and as keys, from all queries and
// heads.
#include "model/cuda/token_attention.cuh"

namespace quadhop::cuda {
namespace {

// The shared memory of a block: kStages of a tile of probabilities [kStepRows, kRows], or of
// gradients of scores, and the rows [kStepRows, H] that it multiplies.
struct KeysLayout {
  int left_stride, right_stride;  // elements between rows
  int right_offset, stage_bytes;

  template <typename T>
  static KeysLayout Of(int rows, int width) {
    constexpr int kBytes = static_cast<int>(sizeof(T));
    KeysLayout layout{};
    layout.left_stride = RowStride<T>(rows);
    layout.right_stride = RowStride<T>(width);
    layout.right_offset = kStepRows * layout.left_stride * kBytes;
    layout.stage_bytes = layout.right_offset + kStepRows * layout.right_stride * kBytes;
    return layout;
  }
};

// One row of warps for every kRowTiles tiles of keys.
constexpr int KeysThreads(int rows, int row_tiles) {
  return rows / kTileSide / row_tiles * kColumnWarps * kWarpThreads;
}

// d_z = sum over heads of p^T d_y (as values) + d_scores^T q (as keys). A block has kRows keys.
template <typename T, int kRows, int kRowTiles>
__global__ void __launch_bounds__(KeysThreads(kRows, kRowTiles), kRows <= 64 ? kStages<T> : 1)
    KeysKernel(TokenAttention<T> args, KeysLayout layout) {
  const BlockPlace place(args.tokens, /*heads=*/1, /*together=*/1, kRows);
  if (place.is_empty()) return;
  const int columns = RowColumns(args.width);
  const int num_products = 2 * args.heads * place.num_steps();
  const auto left = [&](int product) {
    return reinterpret_cast<T*>(shared_memory + product % kStages<T> * layout.stage_bytes);
  };
  const auto right = [&](int product) {
    return reinterpret_cast<T*>(shared_memory + product % kStages<T> * layout.stage_bytes +
                                layout.right_offset);
  };
  const auto load = [&](int product) {
    if (product < num_products) {
      const KeysProduct<T> of(args, place, product);
      LoadRows(of.left, of.query, kStepRows, place.begin, kRows, layout.left_stride, left(product));
      LoadRows(of.right, of.query, kStepRows, 0, columns, layout.right_stride, right(product));
    }
    EndCopies();  // one group per call
  };

  BlockSums<T, kRowTiles> sums(WarpOfBlock(), columns);
  for (int product = 0; product + 1 < kStages<T>; ++product) load(product);
  for (int product = 0; product < num_products; ++product) {
    load(product + kStages<T> - 1);
    WaitForCopies<kStages<T> - 1>();
    __syncthreads();
    sums.template Add<Stored::kTransposed>({left(product), layout.left_stride},
                                           {right(product), layout.right_stride}, kStepRows);
    __syncthreads();
  }
  T* staged = reinterpret_cast<T*>(shared_memory);  // [kRows, right_stride]
  sums.Store(staged, layout.right_stride);
  __syncthreads();
  StoreRows(staged, layout.right_stride, place.begin, kRows, columns,
            place.Of(args.d_z, args.width));
}

template <int kRows, int kRowTiles, typename T>
bool LaunchIfFits(Device& device, const TokenAttention<T>& args) {
  const KeysLayout layout = KeysLayout::Of<T>(kRows, args.width);
  const auto shared_bytes = static_cast<size_t>(kStages<T> * layout.stage_bytes);
  if (args.width > BlockSums<T, kRowTiles>::kMostWidth ||
      shared_bytes > device.shared_bytes_per_block())
    return false;
  device.Launch(KeysKernel<T, kRows, kRowTiles>,
                {args.tokens.nodes * ((args.tokens.most_tokens + kRows - 1) / kRows),
                 KeysThreads(kRows, kRowTiles), shared_bytes},
                args, layout);
  return true;
}

// Whether tiles of `large` keys leave no more places empty than tiles of `small`.
constexpr bool FillAsWell(int tokens, int large, int small) {
  return (tokens + large - 1) / large * large <= (tokens + small - 1) / small * small;
}

}  // namespace

template <typename T>
void TokenAttentionBackwardKeys(Device& device, const TokenAttention<T>& args) {
  const int tokens = args.tokens.most_tokens;
  if constexpr (sizeof(T) == 2) {
    // What is multiplied is read once for as many keys.
    if (FillAsWell(tokens, 160, 64) && LaunchIfFits<160, 2>(device, args)) return;
  }
  if (!LaunchIfFits<64, 2>(device, args) && !LaunchIfFits<32, 1>(device, args))
    device.Note(AttentionTooLarge(device, tokens, args.width));
}

template void TokenAttentionBackwardKeys(Device&, const TokenAttention<float>&);
template void TokenAttentionBackwardKeys(Device&, const TokenAttention<__nv_bfloat16>&);

}  // namespace quadhop::cuda
